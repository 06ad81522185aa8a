#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whatever network devices do wrong at random, all that waits for them ends within a bound; and when they are
# honest again frames arrive as they were sent, and their drivers can be taken away and given back.
#
# vm: @own-net
# cases: 0
# timeout: 400
# full: yes

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh
. /host/guest/lib/net.sh
. /host/guest/lib/own-net.sh

# So much is to be wrong, in so many seconds.
ENOUGH=20 LOAD=100

load() {
	end=$(($(date +%s) + LOAD))
	until [ "$(counted "$bdf" faults)" -ge $((before + ENOUGH)) ] || [ "$(date +%s)" -ge $end ]; do
		ping -q -f -c 200 -w 4 -s $(((turn * 997) % 3000)) $far >/dev/null 2>&1
		turn=$((turn + 1))
		seconds_of change >/dev/null 2>&1
		[ "$took" -le $BOUND ] || fail "seed $seed: change $turn took $took s"
		start_again 2>/dev/null
	done
}

# change: changes something, which may fail.
change() {
	case $((turn % 6)) in
	0) send_command ;;
	1) ip link set "$near" promisc on && ip link set "$near" promisc off ;;
	2) ethtool -S "$near" ;;
	3) ethtool -L "$near" combined 1 && ethtool -L "$near" combined $pairs ;;
	4) ip link set "$near" down && ip link set "$near" up ;;
	5) ethtool -G "$near" rx 128 && ethtool -G "$near" rx 256 ;;
	esac
}

# random BDF INDEX
random() {
	prepare "$1" "$2"
	seed=$((first + $2)) turn=0
	before=$(counted "$bdf" faults)
	tell "$bdf" "random $seed" >/dev/null
	start=$(date +%s)
	load
	time=$(($(date +%s) - start))
	[ $time -le $((LOAD + 2 * BOUND)) ] || fail "seed $seed: the load took $time s"
	tell "$bdf" honest >/dev/null
	faults=$(($(counted "$bdf" faults) - before))
	echo "seed $seed: $faults faults in $time s, $(recovery resets) resets, $turn changes, $name"
	[ $faults -ge 1 ] || fail "seed $seed: nothing was wrong"
	expect_no_findings "$bdf"
	# What nobody can notice, such as a ring in which nothing arrives any more, a new start ends.
	bind_net
	NETWORK=8$number python3 $LIB/net.py load 2 || fail "seed $seed: a load"
	leave
}

first=$(($1 * 6))
# The others are in net-faults, and in net-random-long.
[ "$1" != 0 ] || OWN_NETS="packed split-in-order big"
functions=$(own_nets) || exit
# shellcheck disable=SC2086 # several words
at_once random $functions
