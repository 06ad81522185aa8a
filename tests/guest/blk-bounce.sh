#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Requests are served, however large, when all data is copied to memory that is smaller than they
# are.
#
# vm: @bounce
# timeout: 180

. /host/guest/lib/common.sh

for name in raw packed; do
	disk=$(disk $name) || exit
	expect "the largest request of $name in KiB" "$(cat "/sys/block/$disk/queue/max_hw_sectors_kb")" 256
	tr '\0' x </dev/urandom | dd of=/tmp/data bs=1M count=16 iflag=fullblock status=none
	dd if=/tmp/data of="/dev/$disk" bs=4M oflag=direct status=none || fail "$name cannot be written"
	dd if="/dev/$disk" bs=4M count=4 iflag=direct status=none | cmp - /tmp/data || fail "$name reads other data"
	# Many at once fill the memory, and wait for it.
	sh lib/verify.sh "/dev/$disk" || fail "data is not what was written to $name"
done
