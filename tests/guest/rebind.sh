#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/rebind hands a disk to the kernel's own driver and back, with its data, time and again.
#
# vm: @rebind --root ram
# timeout: 240

. /host/guest/lib/common.sh

rebind() {
	sh /run/rvirtio/rebind "$@"
}

# Both drivers call their disks vda and so on, each by its own count. (udev may be looking at a disk.)
within 10 rmmod rvirtio_blk || fail "rvirtio_blk cannot be removed"
modprobe rvirtio_blk name_prefix=rvd || fail "rvirtio_blk cannot be inserted"
disk=$(disk data) || exit
bdf=$(bdf_of "$disk")
dd if=/dev/urandom of=/tmp/data bs=1M count=4 status=none
dd if=/tmp/data of="/dev/$disk" oflag=direct bs=1M conv=notrunc status=none

for _ in 1 2 3; do
	rebind --to-c "$bdf" || fail "rebind --to-c failed"
	disk=$(disk data) || exit
	expect "the driver after --to-c" "$(driver_of "$disk")" virtio_blk
	expect "the PCI driver after --to-c" "$(basename "$(readlink -f "/sys/bus/pci/devices/$bdf/driver")")" virtio-pci
	dd if="/dev/$disk" of=/tmp/back iflag=direct bs=1M count=4 status=none
	cmp /tmp/data /tmp/back || fail "the other driver reads other data"
	rebind "$bdf" || fail "rebind failed"
	disk=$(disk data) || exit
	expect "the driver after rebind" "$(driver_of "$disk")" rvirtio_blk
	dd if="/dev/$disk" of=/tmp/back iflag=direct bs=1M count=4 status=none
	cmp /tmp/data /tmp/back || fail "we read other data"
done
# Again is no mistake.
rebind "$bdf" || fail "rebind of what we have failed"
rebind --dry-run --to-c "$bdf" || fail "a dry run failed"
expect "the driver after a dry run" "$(driver_of "$disk")" rvirtio_blk
