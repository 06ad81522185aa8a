#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unbinding the driver of a SCSI host while a unit is in use, or while it looks for units, ends every
# command, and leaves a device that works. A file that was open before lets nothing in.
#
# covers: INIT-26 INIT-27
# vm: @scsi
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

disk=$(unit packed) || exit
virtio=$(virtio_path "$disk")
driver=$(readlink -f "$virtio/driver")
device=$(basename "$virtio")

ended() {
	! kill -0 "$load" 2>/dev/null
}

for round in 1 2 3 4 5; do
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bsrange=512-64k \
		--iodepth=32 --rate_iops=400 --size=32M --time_based --runtime=60 --minimal >/tmp/fio.out 2>&1 &
	load=$!
	sleep 1
	python3 - "/dev/$disk" <<-'END' &
		import fcntl, struct, sys, time
		SG_SCSI_RESET, DEVICE = 0x2284, 1
		with open(sys.argv[1], "rb") as file:
		    ended = time.monotonic() + 6
		    while time.monotonic() < ended:
		        try:
		            fcntl.ioctl(file, SG_SCSI_RESET, struct.pack("i", DEVICE | 0x100))
		        except OSError:
		            time.sleep(0.05)
	END
	resets=$!
	sleep 1
	echo "$device" >"$driver/unbind" || fail "unbind failed"
	no_unit packed || fail "the disk is still there"
	within 30 ended || fail "a request did not end"
	wait $load
	wait $resets || fail "a reset has failed in another way than it should"
	echo "$device" >"$driver/bind" || fail "bind failed"
	# While it looks for units.
	echo "$device" >"$driver/unbind" || fail "unbind failed while it was looking for units"
	echo "$device" >"$driver/bind" || fail "bind failed"
	disk=$(unit packed) || exit
done
sh lib/verify.sh "/dev/$disk"
