#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In a kernel that saves the memory of one that has crashed, a disk has one small queue, whatever its device
# has, and works.
#
# vm: @kdump
# timeout: 120

. /host/guest/lib/common.sh
. /host/guest/lib/memory.sh

for serial in split packed; do
	disk=$(disk $serial) || exit
	expect "queues of $serial" "$(ls "/sys/block/$disk/mq" | wc -l)" 1
	expect "descriptors of $serial" "$(cat "/sys/block/$disk/ring_size")" 64
	sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
done

# Memory for a disk, with whatever it is taken for.
free() {
	udevadm settle --timeout=60
	settle
	available
}
bdf=$(bdf_of "$disk")
driver=$(readlink -f "/sys/bus/pci/devices/$bdf/driver")
with=$(free)
echo "$bdf" >"$driver/unbind"
without=$(free)
echo "a disk takes $((without - with)) KiB"
[ $((without - with)) -le 2048 ] || fail "a disk takes $((without - with)) KiB"
echo "$bdf" >"$driver/bind"
disk packed >/dev/null
