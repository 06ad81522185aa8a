#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host whose function is reset while data is written and verified goes on, with the units that
# it had.
#
# covers: INIT-27
# vm: @scsi-slow
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

ROUNDS=20

disk=$(unit store) || exit
virtio=$(virtio_path "$disk")
bdf=$(basename "$(dirname "$virtio")")
[ "$(cut -d " " -f 1 "/sys/bus/pci/devices/$bdf/reset_method")" = flr ] || fail "the function has no FLR"
units=$(lsscsi)
fio --name=verify --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring \
	--rw=randrw --rwmixread=30 --bsrange=512-64k --blockalign=512 --size=32M --iodepth=32 \
	--loops=1000 --time_based --runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
load=$!
busy() { [ "$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")" -gt "$before" ]; }
round=0
while [ $round -lt $ROUNDS ]; do
	before=$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")
	within 30 busy || fail "nothing is done after $round resets: $(cat /tmp/fio.out)"
	echo 1 >"/sys/bus/pci/devices/$bdf/reset" || fail "the reset failed"
	round=$((round + 1))
done
before=$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")
within 30 busy || fail "nothing is done after all resets"
kill -INT $load
wait $load
grep -q 'err= 0' /tmp/fio.out || fail "data was not what was written: $(cat /tmp/fio.out)"
expect "the units" "$(lsscsi)" "$units"
expect "resets because of failures" "$(cat "$virtio/recovery/resets")" 0
expect "leaked bytes" "$(cat "$virtio/recovery/leaked_bytes")" 0
