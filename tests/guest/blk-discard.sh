#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Discarded sectors take no room on the host, zeroes are written by the device, and no request is
# larger than the device allows. Without the features neither is offered.
#
# covers: BLK-11 BLK-13 BLK-15 BLK-18 BLK-19
# vm: @discard
# timeout: 240

. /host/guest/lib/common.sh

DISCARD=13
WRITE_ZEROES=14
MIB=1048576

# room NAME: prints how many MiB the image takes on the host.
room() {
	qmp query-named-block-nodes >/tmp/nodes || exit
	python3 - "$1" /tmp/nodes <<'PYTHON'
import json, sys
nodes = json.loads(open(sys.argv[2]).read())
nodes = nodes.get("return", nodes) if isinstance(nodes, dict) else nodes
print(next(n["image"]["actual-size"] for n in nodes if n.get("node-name") == sys.argv[1]) >> 20)
PYTHON
}

limit() {
	cat "/sys/block/$1/queue/$2"
}

# fill DISK: fills it with what is nowhere zero.
fill() {
	tr '\0' x </dev/urandom | dd of="/dev/$1" bs=1M count=64 iflag=fullblock oflag=direct status=none ||
		fail "$1 cannot be written"
}

disk=$(disk raw) || exit
expect "DISCARD" "$(feature "$(virtio_of "$disk")" $DISCARD)" 1
expect "WRITE_ZEROES" "$(feature "$(virtio_of "$disk")" $WRITE_ZEROES)" 1
fill "$disk"
dd if="/dev/$disk" of=/tmp/before bs=1M iflag=direct status=none
[ "$(room raw)" -ge 64 ] || fail "the image has holes after it was filled"
blkdiscard -o $((16 * MIB)) -l $((32 * MIB)) "/dev/$disk" || fail "blkdiscard failed"
room=$(room raw)
[ "$room" -le 33 ] || fail "the image still takes $room MiB"
# What was not discarded is still there.
cmp -n $((16 * MIB)) "/dev/$disk" /tmp/before || fail "data before the range is lost"
cmp -i $((48 * MIB)) "/dev/$disk" /tmp/before || fail "data after the range is lost"

# Zeroes, from the middle of a page to the middle of another.
fill "$disk"
dd if="/dev/$disk" of=/tmp/before bs=1M iflag=direct status=none
first=$((3 * MIB + 512))
len=$((40 * MIB + 1024))
blkdiscard -z -o $first -l $len "/dev/$disk" || fail "blkdiscard -z failed"
cmp -n $first "/dev/$disk" /tmp/before || fail "data before the zeroes is lost"
cmp -n $len -i $first:0 "/dev/$disk" /dev/zero || fail "not all is zero"
cmp -i $((first + len)) "/dev/$disk" /tmp/before || fail "data after the zeroes is lost"

# Limits that the device sets, in blocks of 4 KiB: 4 MiB of discard and 1 MiB of zeroes.
small=$(disk small) || exit
expect "the largest discard" "$(limit "$small" discard_max_hw_bytes)" $((4 * MIB))
expect "the largest write of zeroes" "$(limit "$small" write_zeroes_max_bytes)" $MIB
expect "the unit of discards" "$(limit "$small" discard_granularity)" 4096
fill "$small"
blkdiscard "/dev/$small" || fail "a discard in many parts failed"
[ "$(room small)" -le 1 ] || fail "the image still takes $(room small) MiB"
fill "$small"
blkdiscard -z "/dev/$small" || fail "zeroes in many parts failed"
cmp -n $((64 * MIB)) "/dev/$small" /dev/zero || fail "not all is zero"
# QEMU fails what is too large or not aligned.
refuse logged 'I/O error'

# Neither: discards are refused, zeroes are written.
none=$(disk none) || exit
expect "the largest discard without DISCARD" "$(limit "$none" discard_max_bytes)" 0
expect "the largest write of zeroes without WRITE_ZEROES" "$(limit "$none" write_zeroes_max_bytes)" 0
refuse blkdiscard "/dev/$none" 2>/dev/null
fill "$none"
blkdiscard -z -l $((8 * MIB)) "/dev/$none" || fail "blkdiscard -z failed without WRITE_ZEROES"
cmp -n $((8 * MIB)) "/dev/$none" /dev/zero || fail "not all is zero without WRITE_ZEROES"

refuse blkdiscard --secure "/dev/$disk" 2>/dev/null
