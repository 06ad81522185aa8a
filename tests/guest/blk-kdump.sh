#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# In a kernel that saves the memory of one that has crashed, a disk has one small queue, whatever its device
# has, and works.
#
# vm: @kdump
# timeout: 120

. /host/guest/lib/common.sh

for serial in split packed; do
	disk=$(disk $serial) || exit
	expect "queues of $serial" "$(ls "/sys/block/$disk/mq" | wc -l)" 1
	expect "descriptors of $serial" "$(cat "/sys/block/$disk/ring_size")" 64
	sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
done

# Memory for a disk: what is free, before and after, with whatever it is taken for.
free_kb() {
	sync
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	awk '$1 == "MemFree:" { print $2 }' /proc/meminfo
}
bdf=$(bdf_of "$disk")
driver=$(readlink -f "/sys/bus/pci/devices/$bdf/driver")
with=$(free_kb)
echo "$bdf" >"$driver/unbind"
without=$(free_kb)
echo "a disk takes $((without - with)) KiB"
[ $((without - with)) -le 2048 ] || fail "a disk takes $((without - with)) KiB"
echo "$bdf" >"$driver/bind"
disk packed >/dev/null
