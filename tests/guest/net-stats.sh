#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What the device has counted is what ethtool and netlink show. Replies that are none are ignored: with one line in
# the log, and the numbers of before.
#
# covers: NETX-07 NETX-08 NETX-09
# vm: --smp 2 --own-net both,pairs=2 --own-net single,pairs=2,notf_coal=off,packed=on --own-net wide,pairs=2,vq_notf_coal=off --own-net none,notf_coal=off,vq_notf_coal=off,device_stats=off
# timeout: 120

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh
. /host/guest/lib/own.sh
. /host/guest/lib/own-net.sh

# shown NAME: prints a counter.
shown() {
	ethtool -S "$near" | awk -v name="$1:" '$1 == name { print $2 }'
}

# lines: prints how often the log tells of an odd reply.
lines() {
	dmesg | grep -c 'odd reply'
}

for name in both single; do
	bdf=$(own_net $name) || exit
	net_up "$bdf"
	ping -q -c 5 -i 0.2 -W 20 10.77.0.3 >/dev/null || fail "answers are missing"
	for queue in 0 1 2 3; do
		side=$([ $((queue % 2)) = 0 ] && echo rx || echo tx)$((queue / 2))
		for what in packets bytes; do
			# The stack sends frames of its own, too.
			least=$(counted "$bdf" $what-$queue)
			found=$(shown ${side}_hw_$what)
			most=$(counted "$bdf" $what-$queue)
			[ "$found" -ge "$least" ] && [ "$found" -le "$most" ] || fail "${side}_hw_$what is $found, not $least to $most"
		done
	done
	ethtool -S "$near" >/tmp/shown
	sum=$(awk '/ rx[0-9]_hw_packets:/ { sum += $2 } END { print sum }' /tmp/shown)
	[ "$sum" -ge 5 ] || fail "only $sum frames were received"
	grep -q " rx_hw_packets: $sum$" /tmp/shown || fail "the sum is not $sum: $(cat /tmp/shown)"
	commands=$(awk '/cq_hw_command_num:/ { print $2 }' /tmp/shown)
	[ "$commands" -gt 0 ] || fail "no commands are counted"
	grep -q "cq_hw_ok_num: $commands$" /tmp/shown || fail "$(cat /tmp/shown)"
	# By netlink: frames that were dropped, and such with checksums that were checked.
	python3 $LIB/netdev_genl.py "$near" | grep -q '^stats .*queue-type=0 .* 13 14 ' || fail "$(python3 $LIB/netdev_genl.py "$near")"

	before=$(lines)
	for wrong in 0 1 2 3 4; do
		tell "$bdf" "stats $wrong"
		ethtool -S "$near" >/tmp/shown || fail "no statistics with reply $wrong"
		ping -q -c 1 -W 20 10.77.0.3 >/dev/null || fail "answers are missing"
		# What there was before.
		packets=$(shown rx_hw_packets)
		grep -q " rx_hw_packets: $packets$" /tmp/shown || fail "odd reply $wrong: $(cat /tmp/shown)"
		tell "$bdf" honest
	done
	expect "lines in the log" "$(lines)" $((before + 1))
	ping -q -c 1 -W 20 10.77.0.3 >/dev/null || fail "answers are missing"
	[ "$(shown rx_hw_packets)" -gt "$packets" ] || fail "there are no numbers any more"
	expect_no_findings "$bdf"
done

bdf=$(own_net none) || exit
net_up "$bdf"
ethtool -S "$near" | grep -q _hw_ && fail "a device that counts nothing has numbers"
expect_no_findings "$bdf"
