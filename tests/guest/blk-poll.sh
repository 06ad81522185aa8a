#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Polled queues serve requests that ask for it, without an interrupt, and no others. There is always
# a queue that interrupts.
#
# vm: @poll
# timeout: 300

. /host/guest/lib/common.sh
. $LIB/recovery.sh

# interrupts_of DISK: prints how many interrupts its device has had.
interrupts_of() {
	awk -v name="$(virtio_of "$1")-" '
		index($NF, name) { for (i = 2; i <= NF; i++) if ($i ~ /^[0-9]+$/) sum += $i; else break }
		END { print sum + 0 }' /proc/interrupts
}

# poll DISK NAME [OPTION...]: polled requests of four jobs, verified.
poll() {
	device=/dev/$1
	shift
	fio --name=poll --filename="$device" --allow_file_create=0 --direct=1 --ioengine=io_uring --hipri --thread \
		--group_reporting --rw=randrw --bsrange=512-64k --numjobs=4 --size=8M --offset_increment=8M \
		--iodepth=16 --iodepth_batch_submit=4 --verify=crc32c --verify_fatal=1 --do_verify=1 "$@" \
		>/tmp/poll.out 2>&1 || {
		cat /tmp/poll.out
		fail "polled requests failed on $device"
	}
}

single=$(disk single) || exit
expect "io_poll without poll_queues" "$(cat "/sys/block/$single/queue/io_poll")" 0

within 10 rmmod rvirtio_blk || fail "rvirtio_blk cannot be removed"
modprobe rvirtio_blk poll_queues=2 || fail "modprobe failed"

for name in split packed line; do
	disk=$(disk $name) || exit
	expect "queues of $name" "$(ls "/sys/block/$disk/mq" | wc -l)" 4
	expect "io_poll of $name" "$(cat "/sys/block/$disk/queue/io_poll")" 1
	refuse grep -q "$(virtio_of "$disk")-req_poll" /proc/interrupts
	before=$(interrupts_of "$disk")
	poll "$disk"
	polled=$(($(interrupts_of "$disk") - before))
	# Flushes and what udev reads still interrupt.
	if [ $name != line ]; then
		[ $polled -lt 200 ] || fail "$polled interrupts for polled requests on $name"
	fi
	sh lib/verify.sh "/dev/$disk" || fail "data is not what was written without polling on $name"
	expect_counters "$disk"
done

# A new ring does not interrupt either, and the requests that waited for it are served.
disk=$(disk split) || exit
echo 128 >"/sys/block/$disk/ring_size" || fail "the rings cannot be replaced"
before=$(interrupts_of "$disk")
poll "$disk" --loops=1
[ $(($(interrupts_of "$disk") - before)) -lt 200 ] || fail "the new rings interrupt"

# One queue must be left for everybody else.
single=$(disk single) || exit
expect "io_poll of a single queue" "$(cat "/sys/block/$single/queue/io_poll")" 0
sh lib/verify.sh "/dev/$single" || fail "data is not what was written to a single queue"
within 10 rmmod rvirtio_blk || fail "rvirtio_blk cannot be removed"
modprobe rvirtio_blk poll_queues=100 || fail "modprobe failed"
disk=$(disk packed) || exit
poll "$disk"
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written with one queue left"
