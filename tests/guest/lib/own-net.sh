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
