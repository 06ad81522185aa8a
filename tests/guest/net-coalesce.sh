#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# ethtool sets how long queues wait before they interrupt, for all or for those of a pair: a device that checks
# each command is told, and has the same after a reset and with other rings. What it cannot do is refused with a
# reason. Limits that adapt follow what is received.
#
# covers: NET-89 NET-90 NET-91
# vm: --smp 2 --own-net both,pairs=2 --own-net single,pairs=2,notf_coal=off,packed=on --own-net wide,pairs=2,vq_notf_coal=off --own-net none,notf_coal=off,vq_notf_coal=off,device_stats=off
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh
. /host/guest/lib/own.sh
. /host/guest/lib/own-net.sh

# told QUEUE...: prints the limits that the device has for these, as frames and microseconds.
told() {
	for queue in "$@"; do
		echo "$(counted "$bdf" "coalesced-packets-$queue")/$(counted "$bdf" "coalesced-usecs-$queue")"
	done | tr '\n' ' '
}

# is_told LIMITS: whether all four queues have these.
is_told() {
	[ "$(told 0 1 2 3)" = "$1 " ]
}

# shown COMMAND...: prints what a command like ethtool -c shows.
shown() {
	"$@" | awk '/^Adaptive/ { printf "%s ", $3 } /^(rx|tx)-(usecs|frames):/ { printf "%s ", $2 }'
}

# restarted: whether it was reset and started again.
restarted() {
	[ "$(counted "$bdf" starts)" -gt "$starts" ]
}

queue() {
	ethtool --per-queue "$near" queue_mask "$@"
}

# refused_for QUEUES LIMIT...: fails unless they cannot have it. ethtool only says so.
refused_for() {
	answer=$(queue "$1" --coalesce "$2" "$3" 2>&1)
	echo "$answer" | grep -q Cannot || fail "queues $*: $answer"
}

# both NAME: a device with commands for single queues.
both() {
	bdf=$(own_net "$1") || exit
	net_up "$bdf"
	expect "the limits at first" "$(told 0 1 2 3)" "0/0 0/0 0/0 0/0 "
	expect "what is shown at first" "$(shown ethtool -c "$near")" "off 0 0 0 1 "
	ethtool -C "$near" rx-usecs 100 rx-frames 8 tx-usecs 50 tx-frames 4 || fail "limits are refused"
	expect "the limits" "$(told 0 1 2 3)" "8/100 4/50 8/100 4/50 "
	queue 2 --coalesce rx-usecs 7 tx-frames 3 || fail "limits of a pair are refused"
	own="8/100 4/50 8/7 3/50"
	expect "the limits with some of one pair" "$(told 0 1 2 3)" "$own "
	expect "what is shown" "$(shown ethtool -c "$near")" "off 100 8 50 4 "
	expect "what is shown of a pair" "$(shown queue 2 --show-coalesce)" "off 7 8 50 3 "
	answers 30 || fail "nothing comes back"
	ethtool -G "$near" rx 128 tx 64 || fail "rings are refused"
	expect "the limits with other rings" "$(told 0 1 2 3)" "$own "
	ethtool -L "$near" combined 1 && ethtool -L "$near" combined 2 || fail "pairs are refused"
	expect "the limits with other pairs" "$(told 0 1 2 3)" "$own "
	starts=$(counted "$bdf" starts)
	tell "$bdf" needs-reset
	within 60 restarted || fail "it is not reset"
	within 60 is_told "$own" || fail "the limits after a reset are $(told 0 1 2 3)"
	answers 30 || fail "nothing comes back after a reset"

	refused descriptors ethtool -C "$near" rx-frames 129
	refused descriptors ethtool -C "$near" tx-frames 65
	refused second ethtool -C "$near" tx-usecs 1000001
	refused adaptive-rx ethtool -C "$near" adaptive-rx on rx-usecs 3
	refused_for 2 rx-frames 129
	refused_for 4 rx-frames 1
	# The first of two commands is taken back.
	tell "$bdf" "control at 2 status 1"
	refuse ethtool -C "$near" rx-usecs 1 tx-usecs 2 2>/dev/null
	tell "$bdf" honest
	expect "the limits after what was refused" "$(told 0 1 2 3)" "$own "

	ethtool -C "$near" adaptive-rx on || fail "adaptive limits are refused"
	before=$(told 0)
	ping -q -f -c 100000 -w 100 10.77.0.3 >/dev/null 2>&1 &
	ping=$!
	within 90 adapts || fail "the limits do not adapt: $(told 0 2)"
	kill $ping
	wait $ping
	ethtool -C "$near" adaptive-rx off || fail "adaptive limits cannot be switched off"
	expect "the limits that do not adapt any more" "$(told 0 1 2 3)" "8/100 4/50 8/100 4/50 "
	ethtool -C "$near" rx-usecs 0 rx-frames 0 tx-usecs 0 tx-frames 1
}

# adapts: whether some limits have changed.
adapts() {
	[ "$(told 0)" != "$before" ]
}

both both
expect_no_findings "$bdf"
both single
expect_no_findings "$bdf"

bdf=$(own_net wide) || exit
net_up "$bdf"
ethtool -C "$near" rx-usecs 100 rx-frames 8 tx-usecs 50 tx-frames 4 || fail "limits are refused"
expect "the limits" "$(told 0 1 2 3)" "8/100 4/50 8/100 4/50 "
expect "what is shown of a pair" "$(shown queue 2 --show-coalesce)" "off 100 8 50 4 "
refused_for 2 rx-usecs 7
refused VQ_NOTF_COAL ethtool -C "$near" adaptive-rx on
ethtool -G "$near" rx 128 tx 64 || fail "rings are refused"
expect "the limits with other rings" "$(told 0 1 2 3)" "8/100 4/50 8/100 4/50 "
expect_no_findings "$bdf"

bdf=$(own_net none) || exit
net_up "$bdf"
expect "what is shown" "$(shown ethtool -c "$near")" "off 0 1 0 1 "
refused NOTF_COAL ethtool -C "$near" rx-usecs 1
refused NOTF_COAL ethtool -C "$near" tx-frames 0
refused_for 1 rx-usecs 1
expect_no_findings "$bdf"
