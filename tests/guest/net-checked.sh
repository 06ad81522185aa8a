#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On a kernel that watches memory, locks and DMA, an interface is taken up and down, switched, moved
# between namespaces, unbound and unloaded while it sends and receives, and allocations fail; it works
# afterwards, and no memory is lost.
#
# vm: @net --kernel debug
# timeout: 600

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

link_up
net load 3 >/tmp/load || fail "$(cat /tmp/load)"

flood
for round in 1 2; do
	ip link set "$near" down
	ethtool -K "$near" tx off >/dev/null 2>&1
	ip link set "$near" up
	ip link set "$near" mtu 1300
	ethtool -G "$near" rx 64 tx $((round * 64)) || fail "the rings cannot be replaced"
	ethtool -K "$near" tx on >/dev/null 2>&1
	ip link set "$near" mtu 1500
done
calm
works "being down"

virtio=$(basename /sys/bus/pci/devices/$NEAR_BDF/*virtio[0-9]*)
driver=$(readlink -f "/sys/bus/pci/devices/$NEAR_BDF/$virtio/driver")
for round in 1 2; do
	link_up
	flood
	echo "$virtio" >"$driver/unbind" || fail "unbind failed"
	calm
	echo "$virtio" >"$driver/bind" || fail "bind failed"
done
works "unbind"

ip netns add other
flood
ip link set "$near" netns other || fail "it cannot be moved"
calm
ip netns exec other ip link set "$near" netns 1 || fail "it cannot be moved back"
link_up
ip netns delete other
works "moves"

# Allocations fail: of the driver's ring entries, of frames, and of pages for them.
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
faults=/sys/kernel/debug
flood
for fault in failslab fail_page_alloc; do
	[ -d $faults/$fault ] || fail "this kernel makes no failures"
	echo N >$faults/$fault/task-filter
	echo 0 >$faults/$fault/verbose
	echo -1 >$faults/$fault/times
	# Those that cannot sleep, as when frames are received; others would meet the whole guest.
	echo Y >$faults/$fault/ignore-gfp-wait
	echo 1 >$faults/$fault/interval
	[ ! -e $faults/$fault/min-order ] || echo 0 >$faults/$fault/min-order
	echo 30 >$faults/$fault/probability
	sleep 3
	echo 0 >$faults/$fault/probability
done
calm
works "failed allocations"

flood
rmmod rvirtio_net || fail "the module cannot be unloaded"
calm
ip netns delete peer
modprobe rvirtio_net || fail "the module cannot be loaded"
works "unloading"
net load 3 >/tmp/load || fail "$(cat /tmp/load)"
link_down

# Two scans: what is only in a register or on a stack during one of them counts as lost.
echo scan >$faults/kmemleak || fail "this kernel does not look for leaks"
sleep 6
echo scan >$faults/kmemleak
leaks=$(cat $faults/kmemleak)
case $leaks in
*rvirtio* | *netdev*) fail "memory was lost: $leaks" ;;
esac
