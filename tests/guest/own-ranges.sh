#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Discards, zeroes and secure erases are what a device that checks them allows, and nothing is assumed
# after one that failed; a device says how worn its medium is.
#
# covers: BLK-11 BLK-13 BLK-14 BLK-15 BLK-18 BLK-19 BLK-20
# vm: @own
# cases: split packed split-plain
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/own.sh

MIB=1048576

disk=$(disk "$1") || exit
bdf=$(bdf_of "$disk")
virtio=$(virtio_of "$disk")
for bit in 13 14 15 16; do
	expect "feature $bit" "$(feature "$virtio" $bit)" 1
done
expect "life_time" "$(cat "/sys/block/$disk/life_time")" "0x03 0x0b"
expect "pre_eol_info" "$(cat "/sys/block/$disk/pre_eol_info")" 0x01
expect "the largest discard" "$(cat "/sys/block/$disk/queue/discard_max_hw_bytes")" $((4 * MIB))

# byte MIB: prints the first byte there.
byte() {
	dd if="/dev/$disk" bs=1M skip="$1" count=1 iflag=direct status=none | od -An -tx1 -N1 | tr -d ' '
}

fill() {
	tr '\0' x </dev/zero | dd of="/dev/$disk" bs=1M count=40 iflag=fullblock oflag=direct status=none ||
		fail "it cannot be written"
}

fill
# More than a request has room for; the device puts 0xdd where something was discarded or erased.
blkdiscard -o $((10 * MIB)) -l $((20 * MIB)) "/dev/$disk" || fail "blkdiscard failed"
expect "what is at 9, 10, 29 and 30 MiB" "$(byte 9) $(byte 10) $(byte 29) $(byte 30)" "78 dd dd 78"
blkdiscard -z -o $((5 * MIB)) -l $((7 * MIB)) "/dev/$disk" || fail "blkdiscard -z failed"
expect "what is at 4, 5, 11 and 12 MiB" "$(byte 4) $(byte 5) $(byte 11) $(byte 12)" "78 00 00 dd"
blkdiscard -s -o $((30 * MIB)) -l $((5 * MIB)) "/dev/$disk" || fail "blkdiscard -s failed"
expect "what is at 30, 34 and 35 MiB" "$(byte 30) $(byte 34) $(byte 35)" "dd dd 78"
expect_no_findings "$bdf"

# The device fails after it has done a part, or none, or does not know the request any more.
for fault in partial "status 1" "status 2"; do
	for how in "" -z -s; do
		udevadm settle --timeout=120
		tell "$bdf" "times 1000 $fault" >/dev/null
		# The kernel writes zeroes itself if the device cannot.
		result=0
		blkdiscard $how "/dev/$disk" 2>/tmp/error || result=$?
		tell "$bdf" honest >/dev/null
		case $how$fault in
		"-zstatus 2") ;;
		*) [ $result -ne 0 ] || fail "blkdiscard $how succeeds with $fault" ;;
		esac
	done
done
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
expect_no_findings "$bdf"
