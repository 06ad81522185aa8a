#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Of the kernel's own tests of network devices, our driver passes each that the driver in C passes, in the
# same guest and with the same device.
#
# vm: @net-selftests
# timeout: 900
# debug-kernel: no
# full: yes

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

TESTS=/host/selftests/tools/testing/selftests

# What needs what the driver does not have: numbers of channels.
LACKING='stats\.procfs_downup_hammer'

# ready: both interfaces are up, as at first: when one is set down its addresses go.
ready() {
	link_up
	sysctl -q net.ipv6.conf."$near".keep_addr_on_down=1
}

# python FILE [OPTION...]: runs a test in Python. Prints what became of each part.
python() {
	ready
	file=$1
	shift
	(cd "$TESTS/${file%/*}" && timeout 300 python3 "${file##*/}" "$@" 2>&1) | cut -c 1-300 | tee -a /tmp/log |
		sed -n 's/^ok [0-9]* \([^ ]*\) # .*/skip \1/p; s/^ok [0-9]* \([^ ]*\)$/pass \1/p; s/^not ok [0-9]* \([^ ]*\).*/fail \1/p'
}

# outcome TEST STATUS: the same of a test in C.
outcome() {
	[ "$2" -eq 0 ] && echo "pass $1" || echo "fail $1"
}

# listens: whether one of them waits there.
listens() {
	far cat /proc/net/udp /proc/net/tcp /proc/net/udp6 /proc/net/tcp6 | grep -qi ':1f40 '
}

# bench OPTION...: sends UDP, which is compared there, or TCP for a second.
bench() {
	ready
	name=udpgso_bench$(echo "$*" | tr -d ' ')
	case $* in
	*-t*) how=-t ;;
	*) how=-v ;;
	esac
	far "$TESTS/net/udpgso_bench_rx" $how >>/tmp/log 2>&1 &
	receiver=$!
	within 10 listens || fail "udpgso_bench_rx does not listen"
	timeout 60 "$TESTS/net/udpgso_bench_tx" -l 1 "$@" >>/tmp/log 2>&1
	outcome "$name" $?
	# It goes on until then, if nothing was wrong.
	pkill -HUP udpgso_bench_rx
	wait $receiver
	outcome "$name.received" $(($? - 128 - 1))
}

# zerocopy FAMILY FROM TO KIND: sends pages that are not copied.
zerocopy() {
	ready
	far "$TESTS/net/msg_zerocopy" "$1" -t 2 -C 0 -S "$2" -D "$3" -r "$4" >>/tmp/log 2>&1 &
	receiver=$!
	within 10 listens || fail "msg_zerocopy does not listen"
	timeout 60 "$TESTS/net/msg_zerocopy" "$1" -t 1 -C 0 -S "$2" -D "$3" -z "$4" >>/tmp/log 2>&1
	outcome "msg_zerocopy$1.$4" $?
	wait $receiver
	outcome "msg_zerocopy$1.$4.received" $?
}

# all_tests [--to-c]: runs all tests with the drivers that rebind gives the devices to.
all_tests() {
	NEAR_BDF=0000:00:10.0
	sh /run/rvirtio/rebind "$@" $NEAR_BDF >&2 || fail "rebind failed"
	ready
	export NETIF="$near" LOCAL_V4=10.77.0.2 REMOTE_V4=10.77.0.3 LOCAL_V6=fd77::2 REMOTE_V6=fd77::3
	export REMOTE_TYPE=netns REMOTE_ARGS=peer
	python drivers/net/ping.py -t 'test_default_*'
	python drivers/net/stats.py
	python drivers/net/queues.py
	python drivers/net/napi_id.py
	python drivers/net/hw/csum.py
	bench -4 -D 10.77.0.3
	bench -6 -D fd77::3 -S 0
	bench -4 -D 10.77.0.3 -S 0 -z -a
	bench -6 -D fd77::3 -t
	bench -4 -D 10.77.0.3 -t -z
	zerocopy -4 10.77.0.2 10.77.0.3 tcp
	zerocopy -6 fd77::2 fd77::3 udp
	link_down

	# These want devices that do not put frames together, or that can be told not to.
	NEAR_BDF=0000:00:12.0
	sh /run/rvirtio/rebind "$@" $NEAR_BDF >&2 || fail "rebind failed"
	ready
	export NETIF="$near"
	python drivers/net/ping.py -t 'test_xdp_generic_*'
	python drivers/net/gro.py -t 'test.sw_ipv[46]_data_same' -t 'test.sw_ipv[46]_tcp_csum'
	link_down
}

: >/tmp/log
sh /run/rvirtio/rebind --to-c $FAR_BDF || fail "rebind failed"
all_tests --to-c >/tmp/passed.c
all_tests >/tmp/passed.ours
sh /run/rvirtio/rebind $FAR_BDF || fail "rebind failed"
passed=$(grep -c ^pass /tmp/passed.c)
worse=$(awk 'NR == FNR { ours[$2] = $1; next } $1 == "pass" && ours[$2] != "pass" { print $2 }' /tmp/passed.ours /tmp/passed.c |
	grep -vxE "$LACKING")
echo "the driver in C passes $passed tests"
[ "$passed" -ge 38 ] || fail "something is wrong with the tests: $(cat /tmp/log)"
[ -z "$worse" ] || fail "$(cat /tmp/log)
the driver in C passes and ours does not: $worse"
