#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk that is resized on the host changes its size here, tells user space, and can be used to its
# new end, also when that happens while it is in use.
#
# covers: BLK-05 BLK-06 INIT-14 PCI-43
# vm: @features
# timeout: 180

. /host/guest/lib/common.sh

MIB=$((1 << 20))

resize() {
	qmp block_resize "{\"node-name\":\"resize\",\"size\":$1}" >/dev/null
}

has_size() {
	[ "$(blockdev --getsize64 "/dev/$disk")" = "$1" ]
}

disk=$(disk resize) || exit
udevadm monitor --kernel --property --subsystem-match=block >/tmp/events 2>/dev/null &
monitor=$!
trap 'kill $monitor 2>/dev/null' EXIT
sleep 1

resize $((48 * MIB)) || exit
within 10 has_size $((48 * MIB)) || fail "it did not grow (size $(blockdev --getsize64 "/dev/$disk"))"
within 10 grep -q '^RESIZE=1' /tmp/events || fail "no event says RESIZE=1"
dd if=/dev/urandom of=/tmp/data bs=$MIB count=1 status=none
dd if=/tmp/data of="/dev/$disk" bs=$MIB seek=47 oflag=direct conv=notrunc status=none || fail "the new end cannot be written"
dd if="/dev/$disk" of=/tmp/back bs=$MIB skip=47 iflag=direct status=none
cmp /tmp/data /tmp/back || fail "what was written at the new end is not there"

# Back and forth under load; I/O that is then beyond the end may fail, nothing else may.
fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --iodepth=16 \
	--size=16M --time_based --runtime=12 --minimal >/tmp/fio.out 2>&1 &
load=$!
for size in 16 40 17 33 16 48 20; do
	resize $((size * MIB)) || exit
	within 10 has_size $((size * MIB)) || fail "it did not become $size MiB under load"
done
wait $load || fail "I/O within the smallest size failed: $(cat /tmp/fio.out)"
resize $((16 * MIB))
within 10 has_size $((16 * MIB)) || fail "it did not become what it was"
refuse dd if="/dev/$disk" of=/dev/null bs=$MIB skip=17 count=1 iflag=direct status=none
