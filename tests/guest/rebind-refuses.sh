#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/rebind refuses what would do harm in one sentence, and changes nothing.
#
# vm: @rebind
# timeout: 240

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
# The root disk has the name that the other driver would give.
refused 'name_prefix' --to-c "$bdf"
# One that is refused keeps the others where they are.
refused 'not a virtio device' "$bdf" 0000:00:00.0
