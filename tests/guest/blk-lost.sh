#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A request whose interrupt is lost is found. A device that misses its notifications, or is too slow,
# is reset, and goes on.
#
# vm: @restart
# cases: interrupt notification slow
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh

case $1 in
interrupt) serial=split ;;
notification) serial=packed ;;
slow) serial=slow ;;
esac
disk=$(disk $serial) || exit
bdf=$(bdf_of "$disk")
udevadm settle --timeout=120
timeout=/sys/block/$disk/queue/io_timeout
expect "the time-out at first" "$(cat "$timeout")" 30000
expect_counters "$disk"

case $1 in
interrupt)
	echo 2000 >"$timeout"
	python3 lib/pci_config.py "$bdf" msix-mask
	seconds_of read_block "$disk" 100 || fail "the read failed"
	python3 lib/pci_config.py "$bdf" msix-unmask
	[ "$took" -lt 30 ] || fail "the read took $took s, as if the time-out were that of before"
	[ "$took" -ge 1 ] || fail "the interrupt was not lost: the read took $took s"
	expect_counters "$disk" lost_interrupts=1
	;;
notification)
	echo 2000 >"$timeout"
	# A function that may not access memory does not look at its queues.
	python3 lib/pci_config.py "$bdf" master-off
	seconds_of read_block "$disk" 100 || fail "the read failed"
	[ "$took" -lt 30 ] || fail "the read took $took s"
	expect_counters "$disk" timeouts=1 resets=1 requeues=1
	;;
slow)
	# Shorter than the disk needs, also when it gets more time.
	echo 500 >"$timeout"
	seconds_of read_block "$disk" 100 || fail "the read failed"
	[ "$(counter "$disk" resets)" -ge 1 ] || fail "the disk was not reset"
	# QEMU completes it before it confirms the reset.
	expect "requests that were repeated" "$(counter "$disk" requeues)" 0
	;;
esac
echo 30000 >"$timeout"
read_block "$disk" 101 || fail "the disk cannot be read any more"
[ $serial = slow ] || sh lib/verify.sh "/dev/$disk"
