#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# File systems can be made, filled, trusted after a remount, and checked.
#
# vm: @fio
# cases: ext4 xfs
# timeout: 240

. /host/guest/lib/common.sh

type=$1
disk=$(disk qcow2-mq) || exit
device=/dev/$disk
case $type in
ext4) mkfs.ext4 -q -F "$device" || fail "mkfs failed" ;;
# Too small for the defaults of xfs: another disk.
xfs)
	modprobe xfs || skip "this kernel has no xfs"
	device=/dev/$(disk large) || exit
	mkfs.xfs -q -f "$device" || fail "mkfs failed"
	;;
esac
mkdir -p /tmp/mnt
mount -t "$type" "$device" /tmp/mnt || fail "mount failed"
cp -r /usr/lib/python3* /tmp/mnt/ 2>/dev/null || [ "$type" = ext4 ] || fail "files cannot be copied"
(cd /tmp/mnt && find . -type f -exec sha256sum {} + >/tmp/sums)
[ -s /tmp/sums ] || fail "no file was copied"
umount /tmp/mnt || fail "umount failed"
echo 3 >/proc/sys/vm/drop_caches
mount -t "$type" "$device" /tmp/mnt || fail "mount failed"
(cd /tmp/mnt && sha256sum --quiet -c /tmp/sums) || fail "files are not what they were"
umount /tmp/mnt
case $type in
ext4) fsck.ext4 -f -n "$device" ;;
xfs) xfs_repair -n "$device" ;;
esac >/tmp/check.out 2>&1 || fail "the file system is damaged: $(tail /tmp/check.out)"
