#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface can be taken away, unloaded and moved between namespaces while it sends and receives,
# again and again, and works afterwards.
#
# vm: @net
# timeout: 600

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

ROUNDS=20

virtio=$(basename /sys/bus/pci/devices/$NEAR_BDF/*virtio[0-9]*)
driver=$(readlink -f "/sys/bus/pci/devices/$NEAR_BDF/$virtio/driver")
round=0
while [ $round -lt $ROUNDS ]; do
	link_up
	flood
	echo "$virtio" >"$driver/unbind" || fail "unbind failed"
	[ ! -e "/sys/class/net/$near" ] || fail "the interface is still there"
	calm
	echo "$virtio" >"$driver/bind" || fail "bind failed"
	round=$((round + 1))
done
works "unbind"

# To another namespace and back.
ip netns add other
round=0
while [ $round -lt $ROUNDS ]; do
	flood
	ip link set "$near" netns other || fail "it cannot be moved"
	calm
	ip netns exec other ip link set "$near" netns 1 || fail "it cannot be moved back"
	link_up
	round=$((round + 1))
done
ip netns delete other
works "moves"

round=0
while [ $round -lt 5 ]; do
	link_up
	flood
	rmmod rvirtio_net || fail "the module cannot be unloaded"
	calm
	ip netns delete peer
	modprobe rvirtio_net || fail "the module cannot be loaded"
	round=$((round + 1))
done
works "unloading"
link_down
