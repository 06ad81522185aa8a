# SPDX-License-Identifier: GPL-2.0
#
# verify.sh DEVICE: writes and verifies all of a disk of 32 MiB or more: 512 bytes to 1 MiB, any
# number of sectors, at any sector, four jobs with 32 requests each.

device=$1
block=$(blockdev --getss "$device")
fio --name=verify --filename="$device" --allow_file_create=0 --direct=1 --ioengine=io_uring --thread --group_reporting \
	--rw=randrw --rwmixread=30 --bsrange="$block-1M" --blockalign="$block" \
	--numjobs=4 --size=8M --offset_increment=8M --iodepth=32 --iodepth_batch_submit=8 \
	--verify=crc32c --verify_fatal=1 --do_verify=1 >/tmp/verify.out 2>&1 && exit
cat /tmp/verify.out
exit 1
