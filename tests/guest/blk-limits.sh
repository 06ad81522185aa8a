#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Block sizes, I/O sizes, alignment, segments and geometry are what the device says, and requests
# never have more segments than its queue has descriptors for.
#
# covers: BLK-D2 INIT-15
# vm: @features

. /host/guest/lib/common.sh

queue() {
	cat "/sys/block/$1/queue/$2"
}

disk=$(disk topology) || exit
expect "the logical block size" "$(queue "$disk" logical_block_size)" 1024
expect "the physical block size" "$(queue "$disk" physical_block_size)" 4096
expect "the minimum I/O size" "$(queue "$disk" minimum_io_size)" 8192
expect "the optimal I/O size" "$(queue "$disk" optimal_io_size)" 65536
# The capacity is in units of 512 bytes whatever the block size is.
expect "the size" "$(blockdev --getsize64 "/dev/$disk")" $((64 << 20))
# A request of half a block is impossible.
refuse dd if="/dev/$disk" of=/dev/null iflag=direct bs=512 count=1 status=none

plain=$(disk cache) || exit
expect "the usual logical block size" "$(queue "$plain" logical_block_size)" 512
expect "whether it rotates" "$(queue "$plain" rotational)" 1

# Cylinders, heads, sectors: struct hd_geometry.
geometry=$(disk geometry) || exit
found=$(python3 - "/dev/$geometry" <<'PYTHON'
import fcntl, struct, sys
HDIO_GETGEO = 0x301
with open(sys.argv[1], "rb") as disk:
    heads, sectors, cylinders, start = struct.unpack("BBHxxxxL", fcntl.ioctl(disk, HDIO_GETGEO, bytes(16)))
print(cylinders, heads, sectors, start)
PYTHON
)
expect "the geometry" "$found" "100 10 50 0"

# Eight descriptors: header, status and six of data.
small=$(disk queue8) || exit
segments=$(queue "$small" max_segments)
[ "$segments" -le 6 ] || fail "$segments segments do not fit a queue of 8"
[ "$(queue "$plain" max_segments)" -gt 6 ] || fail "a large queue has as few segments as a small one"
sh lib/verify.sh "/dev/$small"
