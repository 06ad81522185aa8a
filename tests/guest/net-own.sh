#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A network device that checks what a driver does finds nothing wrong while frames are sent and received, and
# the driver sets what it can be told; what was set is what the device has, also after a reset.
#
# covers: NET-01 NET-15 NET-16 NET-17 NET-18 NET-21 NET-23 NET-25 NET-27 NET-28 NET-31 NET-35 NET-40 NET-41
# covers: NET-42 NET-43 NET-44 NET-45 NET-46 NET-47 NET-52 NET-55 NET-56 NET-57 NET-71 NET-72 NET-73 NET-75
# covers: NET-77 NET-78 NET-79 NET-80 NET-81 NET-82 NET-83 NET-84 NET-85 NET-86 NET-87 NET-88
# vm: @own-net
# cases: split packed-in-order big
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/own.sh
. /host/guest/lib/net.sh
. /host/guest/lib/own-net.sh

bdf=$(own_net "$1") || exit
net_up "$bdf"
answers || fail "there is no answer"
case $1 in
split) net frames "$near" "$near" || fail "frames" ;;
packed | plain) net payload || fail "payload" ;;
*) net load 2 >/tmp/own.load || fail "a load" ;;
esac
expect_no_findings "$bdf"
# Which of two pairs a frame is sent by depends on the processor that sends it.
sent=$(counted "$bdf" packets-1)
case $1 in
split | packed) sent=$((sent + $(counted "$bdf" packets-3))) ;;
esac
[ $sent -gt 50 ] || fail "the device has seen $sent frames"

# is_set WORD WANTED: whether the device has it.
is_set() {
	[ "$(counted "$bdf" "$1")" = "$2" ]
}

# are_set WHEN: whether the device has all that was set.
are_set() {
	while read -r word wanted; do
		within 10 is_set "$word" "$wanted" || fail "$1 $word is $(counted "$bdf" "$word"), not $wanted"
	done </tmp/own.set
}

number() {
	printf '%d' "0x$(echo "$1" | tr -d :)"
}

# Whether the device has commands for receive modes and VLANs.
filters=1
[ "$1" != packed-in-order ] || filters=0
: >/tmp/own.set
if [ "$1" != plain ]; then
	ip link set "$near" address 52:54:00:00:77:42 || fail "the address cannot be set"
	know_far
	ip link set "$near" promisc on allmulticast on
	ip link delete vlan7 2>/dev/null
	ip link add link "$near" name vlan7 type vlan id 7 || fail "no VLAN can be added"
	cat >/tmp/own.set <<-END
		mac $(number 52:54:00:00:77:42)
		promisc $filters
		allmulti $filters
		vlan-7 $filters
	END
	# The stack has told the device of addresses that it listens to.
	[ "$(counted "$bdf" addresses)" -ge $filters ] || fail "the device knows no addresses"
	ethtool -K "$near" rx-gro-hw off || fail "offloads cannot be switched off"
	echo "offloads 2" >>/tmp/own.set
	net load 1 >/tmp/own.load || fail "without offloads"
	before=$(counted "$bdf" announced)
	tell "$bdf" announce >/dev/null
	within 10 is_set announce 0 || fail "the announcement was not acknowledged"
	[ "$(counted "$bdf" announced)" -gt "$before" ] || fail "nothing was announced"
fi
case $1 in
split | packed)
	echo "pairs 2" >>/tmp/own.set
	for cpu in 0 1; do
		taskset -c $cpu ping -q -c 1 -W 5 10.77.0.3 >/dev/null || fail "processor $cpu gets no answer"
	done
	[ "$(counted "$bdf" packets-3)" -gt 0 ] || fail "nothing was sent by the second pair"
	ethtool -L "$near" combined 1 || fail "one pair"
	within 10 is_set pairs 1 || fail "$(counted "$bdf" pairs) pairs"
	answers || fail "there is no answer with one pair"
	ethtool -L "$near" combined 2 || fail "two pairs"
	;;
esac
are_set "before resets,"
expect_no_findings "$bdf"

net load 3 >/tmp/own.load 2>&1 &
load=$!
for _ in 1 2 3; do
	echo 1 >"/sys/bus/pci/devices/$bdf/reset" || fail "the function was not reset"
	sleep 0.5
done
wait $load || fail "when the function is reset: $(cat /tmp/own.load)"
are_set "after resets,"
answers || fail "there is no answer after resets"
expect_no_findings "$bdf"

[ "$1" = plain ] || ip link delete vlan7
tell "$bdf" "link 0" >/dev/null
no_carrier() {
	! has_carrier "$near"
}
[ "$1" = plain ] || within 10 no_carrier || fail "the link is up"
tell "$bdf" "link 1" >/dev/null
within 10 has_carrier "$near" || fail "the link is down"
ip link set "$near" down
expect_no_findings "$bdf"
