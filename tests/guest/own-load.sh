#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Devices need a reset time and again, stall for 10 s or for ever, or vanish, while data is written and
# verified. The load goes on, or ends with an error within a bound, and their drivers can be taken away and
# given back.
#
# vm: @own-faults
# cases: 0
# timeout: 400

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

# load: data that is written and verified until an error, in the background.
load() {
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --thread \
		--rw=randrw --rwmixread=30 --bsrange=4k-64k --size=32M --iodepth=8 --thinktime=1000 --loops=1000 \
		--time_based --runtime=300 --verify=crc32c --verify_fatal=1 >"/tmp/load.$bdf" 2>&1 &
	load=$!
	within 20 busy || fail "there is no load"
}

ended() {
	awk '{ print $1 + $5 }' "/sys/block/$disk/stat"
}

# busy: whether requests end.
busy() {
	before=$(ended)
	sleep 1
	[ "$(ended)" -gt "$before" ]
}

no_load() {
	! kill -0 $load 2>/dev/null
}

# ends WHY: fails unless the load ends within a bound, with an error of input or output.
ends() {
	seconds_of within $BOUND no_load || fail "the load has not ended when the device $1"
	echo "$bdf: the load has ended $took s after the device $1"
	wait $load
	# A disk that is gone has no size, so it has no space for what comes later. One of a SCSI host is missed.
	grep -Eq 'error=(Input/output error|No space left on device|No such device)' "/tmp/load.$bdf" ||
		fail "the load has ended otherwise: $(cat "/tmp/load.$bdf")"
}

# goes_on WHY: fails unless the load goes on, and data is what was written.
goes_on() {
	within 60 busy || fail "the load does not go on when the device $1: $(cat "/tmp/load.$bdf")"
	kill -INT $load
	wait $load
	grep -q 'err= 0' "/tmp/load.$bdf" || fail "data was not what was written when the device $1: $(cat "/tmp/load.$bdf")"
}

was_reset() {
	[ "$(counter "$disk" resets)" -ge "$1" ]
}

# needs_reset: three times; and until the driver gives up.
needs_reset() {
	load
	for times in 1 2 3; do
		tell "$bdf" needs-reset >/dev/null
		within $BOUND was_reset $times || fail "the device was not reset $times times"
		within $BOUND busy || fail "the load does not go on after $times resets: $(cat "/tmp/load.$bdf")"
	done
	goes_on "has needed three resets"
	expect_counters "$disk" resets=3 requeues="$(counter "$disk" requeues)"
	load
	end=$(($(date +%s) + ${LONG:-5}))
	while [ "$(date +%s)" -lt $end ]; do
		tell "$bdf" needs-reset >/dev/null
		sleep 1
	done
	# A slow machine asks for fewer than are too many.
	tell "$bdf" "at 1 times 1000 needs-reset" >/dev/null
	ends "needs a reset time and again"
	tell "$bdf" honest >/dev/null
	recover "$disk" || fail "the device was not started again"
}

# stall_10s: shorter than the time-out.
stall_10s() {
	load
	tell "$bdf" "stall 10000" >/dev/null
	goes_on "has stalled for 10 s"
	expect_counters "$disk"
}

# stall: with all time-outs as they are. The driver is taken away meanwhile.
stall() {
	load
	tell "$bdf" stall >/dev/null
	sleep 2
	unbind "$bdf"
	echo "$bdf: unbind took $took s when the device stalls"
	ends "stalls for ever"
	tell "$bdf" honest >/dev/null
}

vanish() {
	load
	tell "$bdf" vanish >/dev/null
	unbind "$bdf"
	echo "$bdf: unbind took $took s when the device has vanished"
	ends "has vanished"
	tell "$bdf" return >/dev/null
	tell "$bdf" honest >/dev/null
}

# fault BDF COMMAND
fault() {
	bdf=$1
	disk=$(own_disk "$bdf")
	$2
	bind_anew "$bdf"
	disk=$(own_disk "$bdf")
	sh lib/verify.sh "/dev/$disk" || fail "the disk does not hold what was written"
	expect_no_findings "$bdf"
}

functions=$(own_functions) || exit
udevadm settle --timeout=120
# Each disk does something else, with another number as the argument another thing.
# shellcheck disable=SC2086 # several words
case $1 in
0) set needs_reset stall_10s stall vanish ;;
1) set stall_10s stall vanish needs_reset ;;
2) set stall vanish needs_reset stall_10s ;;
3) set vanish needs_reset stall_10s stall ;;
esac
jobs=
for function in $functions; do
	(fault "$function" "$1") &
	jobs="$jobs $!"
	shift
done
failed=0
for job in $jobs; do
	wait "$job" || failed=$((failed + 1))
done
[ $failed -eq 0 ] || fail "$failed of the disks"
