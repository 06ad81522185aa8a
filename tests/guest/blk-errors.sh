#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Errors of the host's storage reach whoever asked, as errors and at once, and the disk goes on
# working.
#
# covers: BLK-D1
# vm: @features

. /host/guest/lib/common.sh

# error_of COMMAND...: prints its last words.
error_of() {
	LC_ALL=C "$@" 2>&1 | tail -n 1
}

disk=$(disk errors) || exit
device=/dev/$disk
for _ in 1 2 3; do
	refuse dd if=/dev/zero of="$device" bs=512 seek=2048 count=1 oflag=direct conv=notrunc 2>/tmp/error
	grep -q 'Input/output error' /tmp/error || fail "not an I/O error: $(cat /tmp/error)"
	refuse dd if="$device" of=/dev/null bs=512 skip=4096 count=1 iflag=direct 2>/tmp/error
	grep -q 'Input/output error' /tmp/error || fail "not an I/O error: $(cat /tmp/error)"
	# The neighbours are fine.
	dd if=/dev/zero of="$device" bs=512 seek=2049 count=8 oflag=direct conv=notrunc status=none || fail "a good sector cannot be written"
	dd if="$device" of=/dev/null bs=512 skip=4097 count=8 iflag=direct status=none || fail "a good sector cannot be read"
done
# A large request fails as a whole.
refuse dd if="$device" of=/dev/null bs=1M skip=2 count=1 iflag=direct status=none 2>/dev/null

# Many in flight, some of which fail.
fio --name=mixed --filename="$device" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randread --bs=4k --iodepth=32 --size=8M \
	--ignore_error=EIO --minimal >/tmp/fio.out 2>&1 || fail "other errors than EIO: $(tail -n 3 /tmp/fio.out)"

noflush=$(disk noflush) || exit
refuse dd if=/dev/zero of="/dev/$noflush" bs=4k count=1 conv=fsync,notrunc status=none 2>/tmp/error
grep -q 'Input/output error' /tmp/error || fail "a failed flush is not an I/O error: $(cat /tmp/error)"

full=$(disk full) || exit
refuse dd if=/dev/zero of="/dev/$full" bs=4k count=1 oflag=direct conv=notrunc status=none 2>/tmp/error
dd if="/dev/$full" of=/dev/null bs=4k count=1 iflag=direct status=none || fail "a full disk cannot be read"

# SCSI commands to a disk that has none are refused, not executed.
refuse sg_inq "$device" >/dev/null 2>&1
