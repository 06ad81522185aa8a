# SPDX-License-Identifier: GPL-2.0
#
# Network devices of our own (Documentation/device.md), which send everything back as if it came from 10.77.0.3
# and fd77::3. Sourced by their tests, after common.sh and own.sh.

FAR_MAC=52:54:00:fa:fa:fa
export REFLECTED=1

# own_net NAME: prints the address of the function of that name.
own_net() {
	python3 $LIB/own.py find "$1" || fail "no device is called $1"
}

# net_up BDF: sets up the interface of a device, whose name is in $near then. The others are set down, as they
# have the same addresses.
net_up() {
	near=$(interface "$1") || exit
	for other in /sys/class/net/en*; do
		[ "${other##*/}" = "$near" ] || ip link set "${other##*/}" down
	done
	up "$near" 2
	know_far
	within 10 has_carrier "$near" || fail "$near has no carrier"
}

# know_far: the device answers no questions of IPv6 for addresses. Those that are known are forgotten when the
# interface gets another one.
know_far() {
	ip neigh replace fd77::3 lladdr $FAR_MAC dev "$near" nud permanent
}

# answers [SECONDS]: whether what is sent comes back within a time.
answers() {
	ping -q -c 1 -W "${1:-5}" 10.77.0.3 >/dev/null 2>&1
}

# Devices of tests/vm/own-net that go wrong, all at once: each in a network of its own, 10.80.0.0/24 and so on.
OWN_NETS="split packed split-in-order packed-in-order big plain"

# own_nets: prints the addresses of their functions.
own_nets() {
	for own in $OWN_NETS; do
		own_net "$own" || exit
	done
}

# prepare BDF NUMBER: sets up an interface, and all that its device can be told. Sets $bdf, $number, $name, $near
# and $far.
prepare() {
	bdf=$1 number=$2
	name=$(echo "$OWN_NETS" | cut -d ' ' -f $((number + 1)))
	near=$(usual_name "$bdf") far=10.8$number.0.3
	within $BOUND is_named || fail "$name has no interface"
	# What the device has then, as words of its own: pairs, what its filters are, and how long a queue waits.
	pairs=1 filters=1 microseconds=50
	case $name in
	split | packed) pairs=2 ;;
	packed-in-order) filters=0 ;;
	plain) filters=0 microseconds=0 ;;
	esac
	if [ "$name" != plain ]; then
		ip link set "$near" allmulticast on || fail "$name: a mode cannot be set"
		ip link add link "$near" name "vlan8$number" type vlan id 7 || fail "$name: a VLAN cannot be added"
		ethtool -C "$near" rx-usecs $microseconds || fail "$name: limits cannot be set"
		send_command || fail "$name: the address cannot be set"
	fi
	ip address replace "10.8$number.0.2/24" dev "$near"
	ip address replace "fd8$number::2/64" dev "$near" nodad
	ip link set "$near" up
	ip neigh replace "fd8$number::3" lladdr $FAR_MAC dev "$near" nud permanent
	within $BOUND answers_here || fail "$name does not answer"
}

# is_named: whether the interface has the name that udev gives it.
is_named() {
	[ "$(find_interface "$bdf")" = "$near" ]
}

answers_here() {
	ping -q -c 1 -W 1 $far >/dev/null 2>&1
}

# send_command: has the driver send one that is waited for.
send_command() {
	[ "$name" != plain ] || return 0
	last=$(((${last:-0} + 1) % 10))
	ip link set "$near" address "52:54:00:00:8$number:0$last" 2>/dev/null
}

# has_set: prints what the device was told, and should_have what it is to know.
has_set() {
	tell "$bdf" "count mac" "count pairs" "count allmulti" "count vlan-7" "count coalesced-usecs-0" | tr '\n' ' '
}

should_have() {
	echo "$(printf '%d' "0x$(tr -d : <"/sys/class/net/$near/address")") $pairs $filters $filters $microseconds "
}

is_set() {
	[ "$(has_set)" = "$(should_have)" ]
}

# recovery NAME: prints a counter of the device.
recovery() {
	cat "/sys/bus/pci/devices/$bdf"/*virtio*/recovery/"$1"
}

# start_again: starts the device, if it was given up.
start_again() {
	for file in "/sys/bus/pci/devices/$bdf"/*virtio*/recover; do
		echo 1 >"$file"
	done
}

# bind_net: takes the driver away from the device and gives it back.
bind_net() {
	unbind "$bdf"
	bind "$bdf"
	prepare "$bdf" "$number"
}

# leave: leaves the interface to other tests, which have VLANs and addresses of their own.
leave() {
	[ "$name" = plain ] || ip link delete "vlan8$number"
	ip address flush dev "$near"
	ip link set "$near" down
	expect_no_findings "$bdf"
}
