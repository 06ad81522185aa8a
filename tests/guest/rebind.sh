#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/rebind hands a disk to the kernel's own driver and back with its data, and refuses what
# would do harm.
#
# vm: @rebind
# timeout: 180

. /host/guest/lib/common.sh

rebind() {
	sh /run/rvirtio/rebind "$@"
}

# refused PATTERN ARGUMENT...: fails unless rebind refuses with such a sentence, and changes nothing.
refused() {
	pattern=$1
	shift
	drivers=$(readlink /sys/bus/pci/devices/*/driver)
	refuse rebind "$@" >/tmp/said 2>&1
	grep -Eq "$pattern" /tmp/said || fail "rebind $*: says '$(cat /tmp/said)', not '$pattern'"
	expect "sentences of rebind $*" "$(wc -l </tmp/said)" 1
	expect "the drivers after rebind $*" "$(readlink /sys/bus/pci/devices/*/driver)" "$drivers"
}

root=$(findmnt -no SOURCE /)
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

refused 'root file system' --to-c "$(bdf_of "${root#/dev/}")"
refused 'not a virtio device' 0000:00:00.0
refused 'no PCI device' 0000:7f:1f.7
refused 'no PCI address' "../../etc"
refused 'no device' --to-c
mkfs.ext4 -q -F "/dev/$disk"
mkdir -p /tmp/mnt
mount "/dev/$disk" /tmp/mnt
refused 'unmount' --to-c "$bdf"
umount /tmp/mnt
mkswap "/dev/$disk" >/dev/null
swapon "/dev/$disk" || fail "swapon failed"
refused 'swap' --to-c "$bdf"
swapoff "/dev/$disk"
# One that is refused keeps the others where they are.
refused 'root file system' --to-c "$bdf" "$(bdf_of "${root#/dev/}")"
