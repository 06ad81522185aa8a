#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Commands that a slow unit does not complete in time are aborted, or ended by resets that programs
# request, each once and not forever; what was written is read back, and the host goes on.
#
# covers: SCSI-D2
# vm: @scsi-slow
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

disk=$(unit slow) || exit
virtio=$(virtio_path "$disk")

limit() {
	qmp qom-set "{\"path\":\"/objects/brake\",\"property\":\"limits\",\"value\":{\"iops-total\":$1}}" >/dev/null || exit
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

in_flight() {
	[ "$(awk '{ print $1 + $2 }' "/sys/block/$disk/inflight")" -gt 0 ]
}

# Programs reset the unit while it is in use.
fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --iodepth=16 \
	--size=32M --verify=crc32c --verify_fatal=1 --io_size=24M >/tmp/fio.out 2>&1 &
load=$!
within 30 in_flight || fail "there is no load: $(cat /tmp/fio.out)"
for _ in 1 2 3 4 5 6; do
	sg_reset -N -d "/dev/$disk" || fail "the unit cannot be reset"
done
# It would end the commands of everybody.
refuse sg_reset -N -H "/dev/$disk"
wait $load || fail "I/O failed while the unit was reset: $(cat /tmp/fio.out)"

# One operation in five seconds: what comes after the first is late twice, and is aborted.
echo 2 >"/sys/block/$disk/device/timeout"
limit 1
fio --name=late --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=write --bs=4k --iodepth=24 \
	--size=96k --verify=crc32c --verify_fatal=1 >/tmp/late.out 2>&1 &
late=$!
aborted() {
	[ "$(cat "$virtio/recovery/timeouts")" -gt 0 ]
}
within 60 aborted || fail "nothing was late: $(cat "$virtio"/recovery/*)"
sleep 6
limit 0
within 120 ended $late || fail "I/O to a unit that was slow does not end: $(dmesg | tail -20)"
wait $late
echo 30 >"/sys/block/$disk/device/timeout"
# Whatever the error handler has made of it, the unit works.
within 30 sg_raw "/dev/$disk" 00 00 00 00 00 00 2>/dev/null || fail "the unit does not work any more"
sh lib/verify.sh "/dev/$disk"
