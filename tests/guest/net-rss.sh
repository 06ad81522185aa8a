#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A device spreads received frames over queues by a hash, as the table, the key and the fields say that are
# set, also after a reset; the table follows the number of queues until it is set.
#
# covers: NET-83 NET-84 NET-87
# vm: --smp 4 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,rss=on,vectors=10 --device virtio-net-pci,netdev=link1,addr=0x11
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

NEAR_BDF=$(behind 0000:00:10.0) || exit
near=$(interface "$NEAR_BDF") || exit
virtio=$(basename /sys/bus/pci/devices/"$NEAR_BDF"/*virtio[0-9]*)

# queues: prints those that are in the table.
queues() {
	ethtool -x "$near" | awk '/^ *[0-9]+:/ { for (i = 2; i <= NF; i++) print $i }' | sort -un | tr '\n' ' '
}

# fields FLOW: prints how many lines tell of fields of the hash.
fields() {
	ethtool -n "$near" rx-flow-hash "$1" | grep -c -e 'IP [SD]A' -e 'L4 bytes'
}

# interrupts QUEUE: prints how many there were of a receive queue.
interrupts() {
	awk -v name="$virtio-input.$1" '$NF == name { for (i = 2; i <= 5; i++) sum += $i } END { print sum + 0 }' /proc/interrupts
}

# only_queue NUMBER WHEN: fails unless answers arrive by it, and not by others but the first, which has
# frames without a hash.
only_queue() {
	for queue in 1 2 3; do
		eval "before$queue=\$(interrupts $queue)"
	done
	ping -q -f -c 300 -w 30 10.77.0.3 >/dev/null || fail "answers are missing $2"
	for queue in 1 2 3; do
		eval "count=\$((\$(interrupts $queue) - before$queue))"
		if [ $queue = "$1" ]; then
			[ "$count" -gt 0 ] || fail "queue $queue receives nothing $2"
		else
			expect "the interrupts of queue $queue $2" "$count" 0
		fi
	done
}

link_up
expect "the queues in the table" "$(queues)" "0 1 2 3 "
for number in 2 3; do
	ethtool -X "$near" start $number equal 1 || fail "the table cannot be set"
	expect "the queue in the table" "$(queues)" "$number "
	only_queue $number "when all entries are $number"
done
echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
expect "the queue in the table after a reset" "$(queues)" "3 "
only_queue 3 "after a reset"

refuse ethtool -X "$near" equal 5 2>/dev/null
refuse ethtool -L "$near" combined 2 2>/dev/null
expect "the queue in the table" "$(queues)" "3 "
ethtool -X "$near" default || fail "the table cannot be as at first"
ethtool -L "$near" combined 2 || fail "two pairs are refused"
expect "the queues in the table of two" "$(queues)" "0 1 "
ethtool -L "$near" combined 4 || fail "four pairs are refused"
expect "the queues in the table of four" "$(queues)" "0 1 2 3 "

key=$(seq -s : 10 49)
ethtool -X "$near" hkey "$key" || fail "the key cannot be set"
ethtool -x "$near" | grep -q "^$key" || fail "another key is shown: $(ethtool -x "$near" | tail -n 6)"

for flow in tcp4 udp4 tcp6 udp6; do
	expect "the fields for $flow" "$(fields $flow)" 4
done
ethtool -N "$near" rx-flow-hash tcp4 sd || fail "the fields cannot be set"
expect "the fields for tcp4" "$(fields tcp4)" 2
expect "the fields for udp4" "$(fields udp4)" 4
expect "the fields for tcp6" "$(fields tcp6)" 4
refuse ethtool -N "$near" rx-flow-hash tcp4 m 2>/dev/null
ethtool -N "$near" rx-flow-hash tcp4 sdfn || fail "the fields cannot be set back"
expect "the fields for tcp4" "$(fields tcp4)" 4
net load 1 >/dev/null || fail "load"
link_down
