#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# File systems give back room, with fstrim and while they run, and only what is free: discards of
# several ranges leave everything else alone.
#
# covers: BLK-11 BLK-13
# vm: @discard
# timeout: 300

. /host/guest/lib/common.sh

# merged DISK: prints how many discards were put into one request with others.
merged() {
	awk '{ print $13 }' "/sys/block/$1/stat"
}

# scatter: files of 64 KiB, every other one of which is gone.
scatter() {
	for i in $(seq 400); do
		head -c 65536 /dev/urandom >"/mnt/$i"
	done
	sync
	(cd /mnt && find . -name '*[13579]' -type f | sort | xargs -r rm)
	find /mnt -type f | sort | xargs sha256sum >/tmp/sums
	sync
}

# whole: whether what is left is as it was.
whole() {
	echo 3 >/proc/sys/vm/drop_caches
	sha256sum --quiet -c /tmp/sums || fail "files were damaged"
}

disk=$(disk large) || exit
mkfs.ext4 -q -F "/dev/$disk" || fail "mkfs.ext4 failed"
mount "/dev/$disk" /mnt || fail "mount failed"
scatter
fstrim -v /mnt || fail "fstrim failed"
umount /mnt
mount "/dev/$disk" /mnt
whole
umount /mnt

# xfs sends the discards of a transaction together.
mkfs.xfs -q -f "/dev/$disk" || fail "mkfs.xfs failed"
mount -o discard "/dev/$disk" /mnt || fail "mount failed"
before=$(merged "$disk")
scatter
fstrim /mnt || fail "fstrim failed"
umount /mnt
[ "$(merged "$disk")" -gt "$before" ] || fail "no discard has several ranges"
mount "/dev/$disk" /mnt
whole
umount /mnt
refuse logged 'I/O error'
