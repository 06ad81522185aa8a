#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Discards of several ranges that fail after some of these damage no file: all of such a request counts as
# failed, and no range of it as discarded or not.
#
# covers: BLK-20
# vm: @own
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/own.sh

disk=$(disk large) || exit
bdf=$(bdf_of "$disk")
mkfs.xfs -q -f "/dev/$disk" || fail "mkfs.xfs failed"
# It sends the discards of a transaction together.
mount -o discard "/dev/$disk" /mnt || fail "mount failed"
udevadm settle --timeout=120

# scatter: files of 64 KiB, of which every other one is removed again.
scatter() {
	for i in $(seq 200); do
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

before=$(counted "$bdf" faults)
tell "$bdf" "times 100000 partial" >/dev/null
scatter
fstrim /mnt # which need not fail
tell "$bdf" honest >/dev/null
[ "$(counted "$bdf" faults)" -gt "$before" ] || fail "nothing has failed"
[ "$(counted "$bdf" ranges)" -gt 1 ] || fail "no discard has several ranges"
umount /mnt
mount "/dev/$disk" /mnt || fail "mount failed after discards that failed"
whole
fstrim /mnt || fail "fstrim failed when nothing is wrong any more"
umount /mnt
mount "/dev/$disk" /mnt || fail "mount failed"
whole
umount /mnt
expect_no_findings "$bdf"
