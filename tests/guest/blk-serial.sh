#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The serial number is what the host gave, also when it fills the field or is missing, and udev
# links the disk by it.
#
# covers: BLK-12
# vm: @features

. /host/guest/lib/common.sh

disk=$(disk 12345678901234567890) || exit
expect "bytes of the attribute" "$(wc -c <"/sys/block/$disk/serial")" 20
expect "the target of the link" "$(readlink -f /dev/disk/by-id/virtio-12345678901234567890)" "/dev/$disk"

# The one without is known by its size.
none=
for size in /sys/block/vd*/size; do
	if [ "$(cat "$size")" = $((4321792 / 512)) ]; then
		none=${size%/size}
	fi
done
[ -n "$none" ] || fail "the disk without a serial number is missing"
expect "a missing serial number" "$(cat "$none/serial")" ""

# Asking many times at once, while the disk is in use.
dd if="/dev/$disk" of=/dev/null iflag=direct bs=4k status=none &
for _ in 1 2 3 4 5 6 7 8 9 10; do
	expect "the serial number under load" "$(cat "/sys/block/$disk/serial")" 12345678901234567890
done
wait
