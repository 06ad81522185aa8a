# SPDX-License-Identifier: GPL-2.0
#
# Two interfaces of a guest that are linked with each other: one here, 10.77.0.2 and fd77::2, the
# other in the network namespace "peer", 10.77.0.3 and fd77::3. Sourced after common.sh.

NEAR_BDF=0000:00:10.0
FAR_BDF=0000:00:11.0

# find_interface BDF: prints the name of the PCI device's interface, wherever udev is with it.
find_interface() {
	for interface in /sys/bus/pci/devices/"$1"/net/* /sys/bus/pci/devices/"$1"/*virtio*/net/*; do
		[ -e "$interface" ] && echo "${interface##*/}" && return
	done
	return 1
}

# behind PORT: prints the address of the function behind it.
behind() {
	for function in "/sys/bus/pci/devices/$1"/*; do
		case ${function##*/} in
		*:??.?) echo "${function##*/}" && return ;;
		esac
	done
	fail "nothing is behind $1"
}

has_interface() {
	find_interface "$1" >/dev/null
}

# interface BDF: prints the name of its interface, which has to be there within 15 s.
interface() {
	within 15 has_interface "$1" || fail "$1 has no interface"
	udevadm settle
	find_interface "$1"
}

# usual_name BDF: prints the name that the interface of a PCI device has with any driver.
usual_name() {
	echo "$1" | {
		IFS=:. read -r _ bus slot _
		echo "enp$((0x$bus))s$((0x$slot))"
	}
}

# has_carrier INTERFACE: whether it has a link.
has_carrier() {
	[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ]
}

# far COMMAND...: runs it where the other interface is.
far() {
	ip netns exec peer "$@"
}

# up INTERFACE NUMBER: its addresses end with the number.
up() {
	ip address replace "10.77.0.$2/24" dev "$1"
	ip address replace "fd77::$2/64" dev "$1" nodad
	ip link set "$1" up
}

# link_up: sets both interfaces up. Their names are in $near and $far.
link_up() {
	near=$(interface $NEAR_BDF) || exit
	if ! [ -e /run/netns/peer ]; then
		ip netns add peer
		far=$(interface $FAR_BDF) || exit
		ip link set "$far" netns peer
	fi
	far=$(far ls /sys/class/net | grep -v lo)
	up "$near" 2
	far sh -c ". $LIB/common.sh; . $LIB/net.sh; up $far 3; ip link set lo up"
	within 10 has_carrier "$near" || fail "$near has no carrier"
	within 10 far sh -c "[ \$(cat /sys/class/net/$far/carrier) = 1 ]" || fail "$far has no carrier"
	remember_lost
}

LOST="rx_errors rx_dropped tx_dropped"

# remember_lost: what the interface has lost until now: what is queued when one is set down
# counts as dropped.
remember_lost() {
	for name in $LOST; do
		counter "$near" "$name" >/tmp/lost."$name"
	done
}

# nothing_lost [NAME...]: fails when a counter has changed since then.
nothing_lost() {
	for name in ${*:-$LOST}; do
		expect "$name" "$(counter "$near" "$name")" "$(cat /tmp/lost."$name")"
	done
}

# link_down: the other interface comes back from where it was.
link_down() {
	ip link set "$near" down
	ip netns delete peer 2>/dev/null
	within 15 has_interface $FAR_BDF || fail "$far did not come back"
}

# flood: packets in both directions, until calm.
flood() {
	ping -q -f -s 1400 10.77.0.3 >/dev/null 2>&1 &
	first=$!
	ip netns exec peer ping -q -f -s 60000 10.77.0.2 >/dev/null 2>&1 &
	second=$!
	before=$(counter "$near" rx_packets)
	within 30 receives $((before + 20)) || fail "nothing is received"
}

# receives COUNT: whether more packets than that were received.
receives() {
	[ "$(counter "$near" rx_packets 2>/dev/null)" -gt "$1" ]
}

calm() {
	kill $first $second 2>/dev/null
	wait $first $second
}

# works WHEN: links both interfaces again; fails without an answer.
works() {
	link_up
	expect "the name after $1" "$near" "$(usual_name $NEAR_BDF)"
	ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer after $1"
}

# net COMMAND...: the programs of net.py.
net() {
	python3 $LIB/net.py "$@"
}

# counter INTERFACE NAME: prints one of its statistics.
counter() {
	cat "/sys/class/net/$1/statistics/$2"
}

# refused WHY COMMAND...: fails unless the command does, with a sentence that has these words.
refused() {
	why=$1
	shift
	if answer=$("$@" 2>&1); then
		fail "succeeded, but must not: $*"
	fi
	echo "$answer" | grep -q "$why" || fail "$*: $answer"
}
