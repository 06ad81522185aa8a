#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Interfaces work with any number of interrupt vectors, more than they use too, and when processors go and
# come back; they have the names that they would have with any driver, and keep them when they are bound
# again.
#
# vm: --smp 3 --links 7 --device virtio-net-pci,netdev=link0,addr=0x10,vectors=0 --device virtio-net-pci,netdev=link1,addr=0x11 --device virtio-net-pci,netdev=link2,addr=0x12,vectors=1 --device virtio-net-pci,netdev=link3,addr=0x13,vectors=2 --device virtio-net-pci,netdev=link4,addr=0x14,vectors=3 --device virtio-net-pci,netdev=link5,addr=0x15,vectors=4 --device virtio-net-pci,netdev=link6,addr=0x16,vectors=65
# timeout: 480

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

# switch CPU NUMBER: 1 brings a processor back, 0 takes it away.
switch() {
	echo "$2" >"/sys/devices/system/cpu/cpu$1/online" || fail "processor $1 cannot be switched"
}

# without_cpus: packets go on while processors go and come back, with whichever is left of two.
without_cpus() {
	flood
	for cpu in 1 2 1 2; do
		switch $cpu 0
		before=$(counter "$near" rx_packets)
		within 20 receives $((before + 20)) || fail "$near receives nothing without processor $cpu"
		switch $cpu 1
	done
	calm
}

for slot in 10 12 13 14 15 16; do
	NEAR_BDF=0000:00:$slot.0
	near=$(interface $NEAR_BDF) || exit
	usual=$(usual_name $NEAR_BDF)
	expect "the name" "$near" "$usual"
	virtio=$(basename /sys/bus/pci/devices/$NEAR_BDF/*virtio[0-9]*)
	driver=$(readlink -f "/sys/bus/pci/devices/$NEAR_BDF/$virtio/driver")
	for round in first second; do
		link_up
		ping -q -f -c 200 -s 1000 -w 60 10.77.0.3 >/dev/null || fail "answers are missing on $near, the $round time"
		[ $round = second ] || without_cpus
		net load 1 >/dev/null || fail "load on $near"
		nothing_lost rx_errors tx_dropped
		link_down
		echo "$virtio" >"$driver/unbind" || fail "unbind failed"
		echo "$virtio" >"$driver/bind" || fail "bind failed"
		expect "the name when it is bound again" "$(interface $NEAR_BDF)" "$usual"
	done
done
