#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk without a block is there, with size 0, and can be used once it has some. A size that is no
# whole number of blocks is cut off, which the kernel's log says once, and no access is beyond it.
#
# covers: BLK-05 BLK-06
# vm: @features

. /host/guest/lib/common.sh

MIB=$((1 << 20))

resize() {
	qmp block_resize "{\"node-name\":\"empty\",\"size\":$1}" >/dev/null
}

has_size() {
	[ "$(blockdev --getsize64 "/dev/$disk")" = "$1" ]
}

disk=$(disk empty) || exit
has_size 0 || fail "it has a size of $(blockdev --getsize64 "/dev/$disk")"
resize $((16 * MIB)) || exit
within 10 has_size $((16 * MIB)) || fail "it did not grow"
dd if=/dev/urandom of=/tmp/data bs=$MIB count=16 status=none
dd if=/tmp/data of="/dev/$disk" bs=$MIB oflag=direct conv=notrunc status=none || fail "it cannot be written"
dd if="/dev/$disk" of=/tmp/back bs=$MIB iflag=direct status=none || fail "it cannot be read"
cmp /tmp/data /tmp/back || fail "what was written is not there"
resize 0 || exit
within 10 has_size 0 || fail "it did not become empty again"

# 4096 blocks of 4096 bytes, and five sectors.
disk=$(disk partial) || exit
expect "the size" "$(blockdev --getsize64 "/dev/$disk")" 16777216
dd if="/dev/$disk" of=/dev/null bs=4k skip=4095 iflag=direct status=none || fail "the last block cannot be read"
device=$(virtio_of "$disk")
expect "messages" "$(dmesg | grep -c "$device: ignoring 5 sectors at the end")" 1
refuse sh -c "dmesg | grep -q 'I/O error, dev $disk'"
