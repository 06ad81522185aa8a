#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Interfaces work with any number of interrupt vectors, have the names that they would have with any
# driver, and keep them when they are bound again.
#
# vm: --smp 3 --links 5 --device virtio-net-pci,netdev=link0,addr=0x10,vectors=0 --device virtio-net-pci,netdev=link1,addr=0x11 --device virtio-net-pci,netdev=link2,addr=0x12,vectors=1 --device virtio-net-pci,netdev=link3,addr=0x13,vectors=2 --device virtio-net-pci,netdev=link4,addr=0x14,vectors=3
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

for slot in 10 12 13 14; do
	NEAR_BDF=0000:00:$slot.0
	near=$(interface $NEAR_BDF) || exit
	expect "the name" "$near" "enp0s$((0x$slot))"
	virtio=$(basename /sys/bus/pci/devices/$NEAR_BDF/*virtio[0-9]*)
	driver=$(readlink -f "/sys/bus/pci/devices/$NEAR_BDF/$virtio/driver")
	for round in first second; do
		link_up
		ping -q -f -c 200 -s 1000 -w 60 10.77.0.3 >/dev/null || fail "answers are missing on $near, the $round time"
		[ $round = second ] || net load 1 >/dev/null || fail "load on $near"
		nothing_lost rx_errors tx_dropped
		link_down
		echo "$virtio" >"$driver/unbind" || fail "unbind failed"
		echo "$virtio" >"$driver/bind" || fail "bind failed"
		expect "the name when it is bound again" "$(interface $NEAR_BDF)" "enp0s$((0x$slot))"
	done
done
