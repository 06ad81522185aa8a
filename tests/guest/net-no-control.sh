#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface whose device has neither a control queue nor a link state works, also where the device
# offers what would need that queue: it has a carrier, whatever the link does, can have another address
# and VLANs, and be promiscuous.
#
# covers: NET-05
# vm: @net-no-control
# cases: offers plain
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

modprobe 8021q || skip "the kernel has no VLANs"
[ "$1" = offers ] || NEAR_BDF=0000:00:12.0

answers() {
	ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer over IPv4 $1"
	ping -c 1 -W 20 fd77::3 >/dev/null || fail "no answer over IPv6 $1"
}

# tagged NUMBER INTERFACE [COMMAND...]: adds an interface in VLAN 7, by ip or by a command that runs it.
tagged() {
	number=$1 below=$2
	shift 2
	"$@" ip link add link "$below" name tagged type vlan id 7 || fail "no VLAN on $below"
	"$@" ip address add 10.78.0.$number/24 dev tagged
	"$@" ip address add fd78::$number/64 dev tagged nodad
	"$@" ip link set tagged up
}

link_up
answers "at first"

# The link's state is not known.
qmp set_link "{\"name\": \"$1\", \"up\": false}" >/dev/null
refuse ping -c 1 -W 2 10.77.0.3 >/dev/null
has_carrier "$near" || fail "$near has no carrier"
qmp set_link "{\"name\": \"$1\", \"up\": true}" >/dev/null
answers "after the link was down"

ip link set "$near" address 52:54:00:00:77:42 || fail "another address is refused"
far ip neigh flush dev "$far"
answers "at another address"
refuse ip link set "$near" address 01:00:5e:00:00:01 2>/dev/null

for switch in on off; do
	ip link set "$near" promisc $switch allmulticast $switch || fail "the filter cannot be switched $switch"
	answers "with promisc $switch"
done

tagged 2 "$near"
tagged 3 "$far" far
NETWORK=78
export NETWORK
net payload || fail "payload in a VLAN"
ip link delete tagged

# A program for XDP wants frames as the network has them.
PROGRAMS=/sys/fs/bpf
if mountpoint -q $PROGRAMS || mount -t bpf bpf $PROGRAMS 2>/dev/null; then
	trap 'rm -f $PROGRAMS/*' EXIT
	python3 $LIB/xdp.py load || exit 1
	refuse ip link set dev "$near" xdpdrv pinned $PROGRAMS/pass 2>/tmp/why
	grep -q 'the device merges frames or leaves out checksums' /tmp/why || fail "it is not said why: $(cat /tmp/why)"
fi
nothing_lost rx_errors tx_dropped
link_down
