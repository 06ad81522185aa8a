#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A program for XDP decides what becomes of each frame that is received, whatever buffers it came in: with
# one pair of queues and with several, under traffic, while the interface is down, and after a reset. The
# device passes frames as the network has them meanwhile, and as before afterwards.
#
# covers: NET-88
# vm: split: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10 --device virtio-net-pci,netdev=link1,addr=0x11
# vm: mapped-big: --device intel-iommu,intremap=off --append intel_iommu=on --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,disable-legacy=on,iommu_platform=on,mrg_rxbuf=off,packed=on --device virtio-net-pci,netdev=link1,addr=0x11,disable-legacy=on,iommu_platform=on,mrg_rxbuf=off,packed=on
# vm: many: --smp 4 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,vectors=10 --device virtio-net-pci,netdev=link1,addr=0x11,mq=on,vectors=10,packed=on
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

PROGRAMS=/sys/fs/bpf

xdp() {
	python3 $LIB/xdp.py "$@"
}

# attach PROGRAM|off: has it look at what is received, or none.
attach() {
	case $1 in
	off) ip link set dev "$near" xdpdrv off ;;
	*) ip -force link set dev "$near" xdpdrv pinned "$PROGRAMS/$1" ;;
	esac
}

# statistic NAME: prints what ethtool counts.
statistic() {
	ethtool -S "$near" | sed -n "s/^[[:space:]]*$1: //p"
}

# goes_on WHEN: frames are received, and the program looks at them.
goes_on() {
	before=$(statistic rx_xdp_packets)
	looks() { [ "$(statistic rx_xdp_packets)" -gt $((before + 20)) ]; }
	within 30 looks || fail "the program sees nothing $1"
}

mountpoint -q $PROGRAMS || mount -t bpf bpf $PROGRAMS 2>/dev/null || skip "the kernel has no programs for XDP"
if [ -e /sys/bus/pci/devices/0000:00:10.0/class ] && grep -q ^0x0604 /sys/bus/pci/devices/0000:00:10.0/class; then
	NEAR_BDF=$(behind 0000:00:10.0) || exit
fi
link_up
trap 'rm -f $PROGRAMS/*' EXIT
xdp load || exit 1

# The order of frames is that of a queue.
if [ "$(ls -d "/sys/class/net/$near/queues/rx-"* | wc -l)" -eq 1 ]; then
	xdp verdicts "$near" "$far" || exit 1
	xdp redirect "$near" "$far" || exit 1
	if ip link set "$near" mtu 9000 2>/dev/null; then
		far ip link set "$far" mtu 9000
		xdp verdicts "$near" "$far" || exit 1
		far ip link set "$far" mtu 1500
		ip link set "$near" mtu 1500
	fi
fi

flood
round=0
while [ $round -lt 6 ]; do
	attach pass || fail "it cannot be attached"
	goes_on "in round $round"
	attach meta || fail "it cannot be replaced"
	[ $((round % 2)) -eq 0 ] || attach off || fail "it cannot be taken off"
	before=$(counter "$near" rx_packets)
	within 30 receives $((before + 20)) || fail "nothing is received after it was taken off"
	round=$((round + 1))
done
calm

attach pass
net load 2 >/tmp/load || fail "$(cat /tmp/load)"
ip link set "$near" down
link_up
ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer after it was down"
ip link set "$near" down
attach off || fail "it cannot be taken off an interface that is down"
attach meta || fail "it cannot be attached to an interface that is down"
link_up
flood
goes_on "that was attached while the interface was down"
if [ "$NEAR_BDF" != 0000:00:10.0 ]; then
	for round in 1 2 3; do
		echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
		goes_on "after $round resets"
	done
fi
calm

# Frames that the device has merged are larger than the network has them.
if ethtool -k "$near" | grep -q '^rx-gro-hw: on$'; then
	refuse ethtool -K "$near" rx-gro-hw off >/dev/null 2>&1
	attach off
	# The stack remembers what was refused.
	ethtool -K "$near" rx-gro-hw on
	ethtool -K "$near" rx-gro-hw off || fail "rx-gro-hw cannot be switched off"
	attach pass
	attach off
	ethtool -K "$near" rx-gro-hw on || fail "rx-gro-hw cannot be switched on"
fi
attach off
nothing_lost rx_errors
net load 1 >/tmp/load || fail "$(cat /tmp/load)"

if ip link set "$near" mtu 4000 2>/dev/null; then
	refuse attach pass 2>/tmp/why
	grep -q 'MTU is larger than a program without fragments' /tmp/why || fail "it is not said why: $(cat /tmp/why)"
	ip link set "$near" mtu 3506
	attach pass || fail "it is refused with an MTU of 3506"
	refuse ip link set "$near" mtu 3507 2>/dev/null
	attach off
	ip link set "$near" mtu 1500
fi
link_down
