#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The link's state, its speed, the largest MTU and the address are those of the device where it says
# them. What it cannot mean is replaced, with a line in the kernel's log.
#
# covers: NET-05 NET-06 NET-07 NET-09
# vm: @net-link
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

near=$(interface $NEAR_BDF) || exit
other=$(interface $FAR_BDF) || exit
ip link set "$near" up
ip link set "$other" up
within 10 has_carrier "$near" || fail "$near has no carrier"

# shown INTERFACE WHAT: prints what ethtool says of it.
shown() {
	ethtool "$1" | sed -n "s/^[[:space:]]*$2: //p"
}
expect "speed" "$(shown "$near" Speed)" 10000Mb/s
expect "duplex" "$(shown "$near" Duplex)" Full

qmp set_link '{"name": "near", "up": false}' >/dev/null
within 10 sh -c "! grep -q 1 /sys/class/net/$near/carrier" || fail "$near has a carrier without a link"
qmp set_link '{"name": "near", "up": true}' >/dev/null
within 10 has_carrier "$near" || fail "$near has no carrier again"

# Without STATUS there is one.
has_carrier "$other" || fail "$other, which does not say, has no carrier"

expect "the MTU" "$(cat "/sys/class/net/$near/mtu")" 1400
refuse ip link set "$near" mtu 1401 2>/dev/null
ip link set "$near" mtu 68 || fail "an MTU of 68 is refused"
refuse ip link set "$near" mtu 67 2>/dev/null
ip link set "$near" mtu 1400 || fail "the MTU of the device is refused"
ip link set "$other" mtu 9000 || fail "a large MTU is refused by a device that says none"

# A multicast address.
bad=$(interface 0000:00:12.0) || exit
address=$(cat "/sys/class/net/$bad/address")
expect "the origin of its address" "$(cat "/sys/class/net/$bad/addr_assign_type")" 1
case $address in
?[26ae]:*) ;;
*) fail "$address is no local unicast address" ;;
esac
dmesg | grep -q 'invalid MAC address' || fail "nothing is said about the address"

# An MTU that IPv4 does not work with.
small=$(interface 0000:00:13.0) || exit
expect "its MTU" "$(cat "/sys/class/net/$small/mtu")" 1500
dmesg | grep -q 'invalid MTU 67' || fail "nothing is said about the MTU"
