#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk that the host offers read-only can be read, and refuses to be opened for writing.
#
# covers: BLK-07 BLK-06
# vm: @features

. /host/guest/lib/common.sh

RO=5

disk=$(disk readonly) || exit
expect "RO" "$(feature "$(virtio_of "$disk")" $RO)" 1
expect "ro" "$(cat "/sys/block/$disk/ro")" 1
expect "blockdev --getro" "$(blockdev --getro "/dev/$disk")" 1
dd if="/dev/$disk" of=/dev/null bs=1M iflag=direct status=none || fail "it cannot be read"
refuse dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct conv=notrunc status=none
# Nor can it be made writable by asking.
blockdev --setrw "/dev/$disk"
refuse dd if=/dev/zero of="/dev/$disk" bs=4k count=1 oflag=direct conv=notrunc status=none

# The end of the disk is its end, for whoever asks.
expect "its size" "$(blockdev --getsize64 "/dev/$disk")" $((16 << 20))
expect "bytes before the end" \
	"$(dd if="/dev/$disk" iflag=direct bs=1M skip=15 count=4 status=none | wc -c)" $((1 << 20))
refuse dd if="/dev/$disk" of=/dev/null iflag=direct,skip_bytes bs=512 skip=$((17 << 20)) count=1 status=none

other=$(disk cache) || exit
expect "ro of a writable disk" "$(cat "/sys/block/$other/ro")" 0
