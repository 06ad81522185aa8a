#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface whose receive queue has run empty for want of memory receives again once there is some, and
# what was sent meanwhile arrives unchanged.
#
# vm: @net --kernel debug
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

faults=/sys/kernel/debug/fail_page_alloc
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
[ -d $faults ] || fail "this kernel makes no failures"
echo N >$faults/task-filter
echo 0 >$faults/verbose
echo 1 >$faults/interval
echo 0 >$faults/min-order
# Those that cannot sleep, as when frames are received.
echo Y >$faults/ignore-gfp-wait

# no_pages YES: from now on all of these fail; 0: none.
no_pages() {
	echo -1 >$faults/times
	echo "$1" >$faults/probability
}

# taken: prints how much was taken out of the receive queue, whatever became of it.
taken() {
	for name in rx_bytes rx_dropped rx_errors; do
		counter "$near" $name
	done
}

# stands: whether nothing was for a second.
stands() {
	before=$(taken)
	sleep 1
	[ "$(taken)" = "$before" ]
}

# starves: the stream that nobody reads keeps the pages, and no others are to be had.
starves() {
	link_up
	rm -f /tmp/read
	net hoard 24 /tmp/read >/tmp/hoard 2>&1 &
	hoard=$!
	within 20 grep -q ready /tmp/hoard || fail "no stream: $(cat /tmp/hoard)"
	flood
	no_pages 100
	within 20 stands || {
		no_pages 0
		fail "frames are received without memory: $(taken)"
	}
	no_pages 0
	# Only our driver counts that.
	failed=$(ethtool -S "$near" | sed -n 's/^ *rx_alloc_fail: //p')
	[ "${failed:-1}" -gt 0 ] || fail "no page was missing: $(taken)"
	before=$(counter "$near" rx_packets)
	within 20 receives $((before + 100)) || fail "nothing is received although there is memory"
	calm
	touch /tmp/read
	wait $hoard || fail "$(cat /tmp/hoard)"
	ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer"
}

starves
