#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk whose zones are written in order: they are reported, opened, closed, finished and reset, written by
# fio and a file system, also while the function is reset; a report that lies is refused.
#
# vm: --smp 2 --own-disk zoned,256M,zone-size=4M,num-queues=2 --own-disk zoned-packed,256M,zone-size=4M,packed=on
# cases: zoned zoned-packed
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

disk=$(disk "$1") || exit
bdf=$(bdf_of "$disk")
dev=/dev/$disk
queue=/sys/block/$disk/queue
expect "feature ZONED" "$(feature "$(virtio_of "$disk")" 17)" 1
expect "zoned" "$(cat "$queue/zoned")" host-managed
expect "zones" "$(cat "$queue/nr_zones")" 64
expect "the size of a zone" "$(cat "$queue/chunk_sectors")" 8192
expect "open zones" "$(cat "$queue/max_open_zones")" 6
expect "active zones" "$(cat "$queue/max_active_zones")" 8
expect "the unit of writes" "$(cat "$queue/zone_write_granularity")" 4096
expect "discards" "$(cat "$queue/discard_max_hw_bytes")" 0

# state SECTOR: prints state and write pointer of the zone there, as blkzone does.
state() {
	blkzone report -o "$1" -c 1 "$dev" | sed -E 's/.*wptr (0x[0-9a-f]+).*zcond: *([0-9]+)\((..)\).*/\3 \1/'
}

# write SECTOR [BYTES]
write() {
	dd if=/dev/urandom of="$dev" bs="${2:-4096}" count=1 seek=$(($1 * 512)) oflag=seek_bytes,direct status=none 2>/tmp/error
}

ZONE=8192
expect "zones that are reported" "$(blkzone report "$dev" | wc -l)" 64
expect "the first zone" "$(state 0)" "nw 0x000000"
sector=$((4 * ZONE))
expect "an empty zone" "$(state $sector)" "em 0x000000"
write $sector || fail "an empty zone cannot be written: $(cat /tmp/error)"
expect "a zone that is written" "$(state $sector)" "oi 0x000008"
blkzone close -o $sector -c 1 "$dev" || fail "blkzone close failed"
expect "a closed zone" "$(state $sector)" "cl 0x000008"
blkzone open -o $sector -c 1 "$dev" || fail "blkzone open failed"
expect "an open zone" "$(state $sector)" "oe 0x000008"
blkzone finish -o $sector -c 1 "$dev" || fail "blkzone finish failed"
expect "a full zone" "$(state $sector | cut -c 1-2)" fu
blkzone reset -o $sector -c 1 "$dev" || fail "blkzone reset failed"
expect "a zone that was reset" "$(state $sector)" "em 0x000000"
# Zones that cannot be written like that.
refuse write $((sector + 16))
write 8 || fail "a conventional zone cannot be written"
blkzone open -o $sector -c 6 "$dev" || fail "six zones cannot be opened"
refuse blkzone open -o $((40 * ZONE)) -c 1 "$dev" 2>/tmp/error
blkzone reset "$dev" 2>/dev/null || blkzone reset -o $((2 * ZONE)) "$dev" || fail "not all zones can be reset"
expect "the zone after all were reset" "$(state $sector)" "em 0x000000"

# Zones are written in order, by several jobs, while the function is reset.
zones() {
	fio --name=zones --filename="$dev" --direct=1 --ioengine=io_uring --thread --zonemode=zbd --rw=randwrite --bs=16k \
		--offset=8M --size=64M --io_size=24M --iodepth=8 --max_open_zones=4 --group_reporting "$@" >/tmp/zones 2>&1
}
zones --verify=crc32c --do_verify=1 || fail "fio failed: $(cat /tmp/zones)"
blkzone reset -o $((2 * ZONE)) "$dev"
starts=$(counted "$bdf" starts)
zones --rw=write --thinktime=20000 --thinktime_blocks=64 &
load=$!
for _ in 1 2 3; do
	sleep 1
	echo 1 >"/sys/bus/pci/devices/$bdf/reset" || fail "the function was not reset"
done
# A write that was executed before a reset fails when it is repeated, which fio may see.
wait $load || grep -q 'err=' /tmp/zones || fail "fio failed: $(cat /tmp/zones)"
[ "$(counted "$bdf" starts)" -ge $((starts + 3)) ] || fail "the device was not started again after each reset"

# Its zones are found again by a driver that is bound anew; and a report that lies is noticed, by that driver
# or by whoever asks for it.
for lie in 0 1 2 3 4 5 6; do
	tell "$bdf" "zones $lie" >/dev/null
	if [ $lie -gt 0 ]; then
		refuse sh -c "blkzone report -c 3 $dev >/tmp/report 2>&1 && [ \$(wc -l </tmp/report) -eq 3 ]"
	else
		blkzone report "$dev" >/tmp/report || fail "a report that claims too many zones failed"
	fi
done
unbind "$bdf"
tell "$bdf" "zones 3" >/dev/null
bind "$bdf"
[ -z "$(own_disk "$bdf")" ] || fail "there is a disk although the report lies"
tell "$bdf" honest >/dev/null
bind_anew "$bdf"
disk=$(own_disk "$bdf")
dev=/dev/$disk
expect "zones after the driver was bound anew" "$(blkzone report "$dev" | wc -l)" 64
blkzone reset -o $((2 * ZONE)) "$dev" || fail "blkzone reset failed"

# A file system that has a file for each zone.
python3 - "$dev" <<'PYTHON' || fail "no zonefs was made"
import os, struct, sys, zlib
block = bytearray(4096)
struct.pack_into("<II64s16sQIII", block, 0, 0x5A4F4653, 0, b"", os.urandom(16), 0, 0, 0, 0o640)
struct.pack_into("<I", block, 4, zlib.crc32(bytes(block)) ^ 0xFFFFFFFF)
with open(sys.argv[1], "wb", buffering=0) as disk:
    disk.write(block)
PYTHON
modprobe zonefs || skip "this kernel has no zonefs"
mount -t zonefs "$dev" /mnt || fail "mount failed: $(kernel_log | tail -2)"
[ "$(find /mnt/seq -type f | wc -l)" = 62 ] || fail "there are $(find /mnt/seq -type f | wc -l) zones"
head -c 1048576 /dev/urandom >/tmp/data
dd if=/tmp/data of=/mnt/seq/5 bs=64k oflag=direct,append conv=notrunc status=none || fail "a zone cannot be appended to"
echo 3 >/proc/sys/vm/drop_caches
cmp -n 1048576 /mnt/seq/5 /tmp/data || fail "what was appended is not there"
truncate -s 0 /mnt/seq/5 || fail "a zone cannot be truncated"
expect "the size of the file" "$(stat -c %s /mnt/seq/5)" 0
umount /mnt
expect_no_findings "$bdf"
