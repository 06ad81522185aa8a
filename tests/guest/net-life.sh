#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface whose function is reset while it sends and receives goes on, with its address and all that
# was set; one that is taken away goes cleanly.
#
# covers: INIT-27
# vm: @net-life
# timeout: 400

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

ROUNDS=20

NEAR_BDF=$(behind 0000:00:10.0) || exit
FAR_BDF=$(behind 0000:00:11.0) || exit
DEVICES=/sys/bus/pci/devices
ADDRESS=52:54:00:00:77:42

# goes_on WHEN: packets are received again.
goes_on() {
	before=$(counter "$near" rx_packets)
	within 30 receives $((before + 20)) || fail "nothing is received $1"
}

reset() {
	echo 1 >"$DEVICES/$1/reset" || fail "$1 cannot be reset"
}

# is_as_set: whether the interface is as it was set.
is_as_set() {
	expect "the name" "$(find_interface "$NEAR_BDF")" "$near"
	expect "the address" "$(cat "/sys/class/net/$near/address")" $ADDRESS
	expect "the MTU" "$(cat "/sys/class/net/$near/mtu")" 1400
	ip link show "$near" | grep -q PROMISC || fail "it is not promiscuous any more"
	has_carrier "$near" || fail "it has no carrier"
}

link_up
ip link set "$near" address $ADDRESS
ip link set "$near" mtu 1400 promisc on
far ip neigh flush dev "$far"

flood
round=0
while [ $round -lt $ROUNDS ]; do
	reset "$NEAR_BDF"
	goes_on "after $round resets"
	reset "$FAR_BDF"
	goes_on "after $round resets of the other end"
	round=$((round + 1))
done
is_as_set
calm

# One that is down comes up after a reset.
ip link set "$near" down
reset "$NEAR_BDF"
[ "$(cat "/sys/class/net/$near/operstate")" = down ] || fail "it is up"
link_up
ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer after a reset while it was down"
is_as_set
for counter in "$DEVICES/$NEAR_BDF"/*virtio*/recovery/*; do
	[ ! -e "$counter" ] || expect "${counter##*/}" "$(cat "$counter")" 0
done

flood
qmp device_del '{"id":"near"}' >/dev/null || exit
gone() { [ ! -e "$DEVICES/$NEAR_BDF" ]; }
within 30 gone || fail "it did not go"
calm
refuse has_interface "$NEAR_BDF"
