#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whatever devices do wrong at random, all that is asked of their disks ends within a bound; and when they are
# honest again the disks hold what is written to them, and their drivers can be taken away and given back.
#
# vm: @own-faults
# cases: 0 1 2 3 4
# timeout: 400

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

# Seconds for all requests: each is tried three times, and each time takes five seconds at most.
ALL=300

# load: requests, some of which fail; a device that was given up is started again.
load() {
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --thread --rw=randrw \
		--bsrange=4k-64k --size=32M --iodepth=4 --number_ios=100 --thinktime=10000 --randseed="$seed" \
		--continue_on_error=all --error_dump=0 >/tmp/own.$seed 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		recover "$disk"
		sleep 1
	done 2>/dev/null
}

# random BDF INDEX
random() {
	bdf=$1 seed=$((first + $2))
	disk=$(own_disk "$bdf")
	patience "$disk" 2
	before=$(counted "$bdf" faults)
	tell "$bdf" "random $seed" >/dev/null
	seconds_of load
	[ "$took" -le $ALL ] || fail "the requests took $took s with the seed $seed"
	tell "$bdf" honest >/dev/null
	faults=$(($(counted "$bdf" faults) - before))
	echo "seed $seed: $faults faults in $took s, $(counters "$disk")"
	[ $faults -ge 2 ] || fail "there were $faults faults with the seed $seed"
	expect_no_findings "$bdf"
	# What was wrong last may not have been noticed yet.
	within $BOUND works || fail "the disk does not work when the device is honest"
	patience "$disk" 30
	sh lib/verify.sh "/dev/$disk" || fail "the disk does not hold what was written"
	bind_anew "$bdf"
	disk=$(own_disk "$bdf")
	works || fail "it cannot be read after the driver was bound anew"
	expect_no_findings "$bdf"
}

# works: whether the device can be started and read.
works() {
	recover "$disk" && read_block "$disk" 100
}

first=$(($1 * 4))
functions=$(own_functions) || exit
# shellcheck disable=SC2086 # several words
at_once random $functions
