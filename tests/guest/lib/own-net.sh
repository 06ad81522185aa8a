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
	ip neigh replace fd77::3 lladdr $FAR_MAC dev "$near" nud permanent
	within 10 has_carrier "$near" || fail "$near has no carrier"
}

# answers [SECONDS]: whether what is sent comes back within a time.
answers() {
	ping -q -c 1 -W "${1:-5}" 10.77.0.3 >/dev/null 2>&1
}

# own_nets: prints the addresses of the functions of tests/vm/own-net-faults.
own_nets() {
	for name in split packed split-in-order packed-in-order; do
		own_net $name || exit
	done
}

# has_net BDF: whether the function has an interface. Its name is in $near then.
has_net() {
	for near in "/sys/bus/pci/devices/$1"/*virtio*/net/*; do
		near=${near##*/}
		[ ! -e "/sys/class/net/$near" ] || return 0
	done
	return 1
}

# prepare BDF NUMBER: sets up the interface, which is in a network of its own. Sets $bdf, $number, $near and $far.
prepare() {
	bdf=$1 number=$2
	within $BOUND has_net "$bdf" || fail "$bdf has no interface"
	udevadm settle --timeout=120
	has_net "$bdf"
	far=10.8$number.0.3
	ip address replace "10.8$number.0.2/24" dev "$near"
	ip address replace "fd8$number::2/64" dev "$near" nodad
	ip link set "$near" up
	ip neigh replace $far lladdr $FAR_MAC dev "$near" nud permanent
	ip neigh replace "fd8$number::3" lladdr $FAR_MAC dev "$near" nud permanent
}

answers_here() {
	ping -q -c 1 -W 1 $far >/dev/null 2>&1
}

# recovery NAME: prints a counter of the device.
recovery() {
	cat "/sys/class/net/$near/device/recovery/$1"
}

# bind_net: takes the driver away from the device and gives it back.
bind_net() {
	unbind "$bdf"
	udevadm settle --timeout=120
	bind "$bdf"
	prepare "$bdf" "$number"
}

# send_command: has the driver send one that is waited for. It may fail.
send_command() {
	last=$(((${last:-0} + 1) % 10))
	ip link set "$near" address "52:54:00:00:8$number:0$last" 2>/dev/null
	return 0
}
