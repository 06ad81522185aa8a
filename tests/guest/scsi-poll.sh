#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Polled queues of a SCSI host serve commands that ask for it.
#
# vm: @scsi-slow
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

unit store >/dev/null
within 20 rmmod rvirtio_scsi || fail "rvirtio_scsi cannot be removed"
modprobe rvirtio_scsi poll_queues=2 || fail "modprobe failed"
disk=$(unit store) || exit
expect "io_poll" "$(cat "/sys/block/$disk/queue/io_poll")" 1
fio --name=poll --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --hipri --thread \
	--group_reporting --rw=randrw --bsrange=512-64k --numjobs=4 --size=8M --offset_increment=8M \
	--iodepth=16 --verify=crc32c --verify_fatal=1 --do_verify=1 >/tmp/poll.out 2>&1 || {
	cat /tmp/poll.out
	fail "polled commands failed"
}
within 20 rmmod rvirtio_scsi || fail "rvirtio_scsi cannot be removed again"
modprobe rvirtio_scsi || fail "modprobe failed"
unit store >/dev/null
