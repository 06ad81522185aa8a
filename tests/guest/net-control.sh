#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is set of an interface reaches its device by commands: addresses, modes, VLANs and offloads. More
# addresses than fit into a command open the filter, and it is closed again; an interface whose device asks
# for it announces itself. All of it is there again after a reset.
#
# covers: NET-74 NET-77 NET-78 NET-D4
# vm: @net-life
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

modprobe 8021q || skip "the kernel has no VLANs"
NEAR_BDF=$(behind 0000:00:10.0) || exit
FAR_BDF=$(behind 0000:00:11.0) || exit

# filter [EXPRESSION]: prints what the device filters, as JSON, or a part of it, by an expression of Python.
filter() {
	qmp query-rx-filter '{"name":"near"}' | python3 -c "
import json, sys
found = json.load(sys.stdin)
found = found.get('return', found)[0] if isinstance(found, dict) else found[0]
for key in ('unicast-table', 'multicast-table', 'vlan-table'):
    found[key] = sorted(found[key])
print(${1:-json.dumps(found, sort_keys=True)})"
}

# is EXPRESSION VALUE: whether that part has this value.
is() {
	[ "$(filter "found['$1']")" = "$2" ]
}

# becomes EXPRESSION VALUE: the stack sets modes a bit later.
becomes() {
	within 10 is "$1" "$2" || fail "$1 is '$(filter "found['$1']")', not '$2'"
}

# addresses ADD|DELETE COUNT: of unicast frames.
addresses() {
	bridge_command=$([ "$1" = add ] && echo add || echo del)
	python3 -c "
for number in range($2):
    print(f'fdb $bridge_command 02:77:00:00:{number >> 8:02x}:{number & 255:02x} dev $near')" >/tmp/batch
	bridge -batch /tmp/batch || fail "addresses cannot be set: $1 $2"
}

link_up
becomes promiscuous False
is multicast normal || fail "multicast is $(filter "found['multicast']")"
is unicast normal || fail "unicast is $(filter "found['unicast']")"
ip link set "$near" promisc on
becomes promiscuous True
ip link set "$near" promisc off
becomes promiscuous False
ip link set "$near" allmulticast on
becomes multicast all
ip link set "$near" allmulticast off
becomes multicast normal

ip link set "$near" address 52:54:00:00:77:42 || fail "another address is refused"
is main-mac 52:54:00:00:77:42 || fail "the device has another address"
far ip neigh flush dev "$far"
ping -c 1 -W 10 10.77.0.3 >/dev/null || fail "no answer at another address"

ip maddress add 01:00:5e:77:77:77 dev "$near"
listed() { filter "'$2' in found['$1-table']" | grep -q True; }
within 10 listed multicast 01:00:5e:77:77:77 || fail "the multicast address is not in the table"
addresses add 3
within 10 listed unicast 02:77:00:00:00:02 || fail "the unicast address is not in the table"
is promiscuous False || fail "the device is promiscuous because of three addresses"

ip link add link "$near" name tagged type vlan id 7 || fail "no VLAN"
filter "7 in found['vlan-table']" | grep -q True || fail "the VLAN is not in the table"
[ "$(filter "len(found['vlan-table'])")" -lt 10 ] || fail "VLANs are not filtered"

# Merging by the device.
ethtool -K "$near" rx-gro-hw off || fail "the device's merging cannot be switched off"
ethtool -k "$near" | grep -q 'rx-gro-hw: off$' || fail "the device's merging is still on"
net load 1 >/dev/null || fail "load without merging"

# All of it is there again.
before=$(filter) || exit
echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
expect "what is filtered after a reset" "$(filter)" "$before"
ping -c 1 -W 10 10.77.0.3 >/dev/null || fail "no answer after the reset"
ethtool -K "$near" rx-gro-hw on || fail "the device's merging cannot be switched on again"
ip link delete tagged
filter "7 in found['vlan-table']" | grep -q False || fail "the VLAN is still in the table"
addresses delete 3
within 10 is unicast-table "[]" || fail "there are unicast addresses: $(filter "found['unicast-table']")"

# More than the driver has room for in a command; the device has room for 64.
addresses add 1500
unicast_is_open() { filter "found['unicast'] == 'all' or found['unicast-overflow'] or found['promiscuous']" | grep -q True; }
within 20 unicast_is_open || fail "addresses are missing: $(filter)"
addresses delete 1500
unicast_is_closed() { filter "found['unicast'] == 'normal' and not found['unicast-overflow'] and not found['promiscuous']" | grep -q True; }
within 20 unicast_is_closed || fail "the filter is still open: $(filter)"

# The device wants to be announced, more than once: it is told each time.
announced() {
	far timeout 20 python3 -c "
import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x806))
s.bind(('$far', 0x806))
print('ready', flush=True)
while True:
    frame = s.recv(100)
    # It asks for its own address.
    if frame[6:12].hex(':') == '52:54:00:00:77:42' and frame[28:32] == frame[38:42]:
        break
print('announced', flush=True)" >/tmp/announced &
	listener=$!
	within 10 grep -q ready /tmp/announced || fail "nobody listens"
	qmp announce-self '{"initial":50,"max":100,"rounds":1,"step":10,"interfaces":["near"]}' >/dev/null || exit
	wait $listener || fail "the interface has not announced itself"
}
announced
announced
link_down
