#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Rings get another size, by a reset of each queue, while the disk is in use: no data is lost, and
# no request. Impossible sizes are refused.
#
# covers: VQR-01 VQR-03 PCI-21 PCI-22 PCI-23 FEAT-06
# vm: @features
# cases: rings rings-packed
# timeout: 180

. /host/guest/lib/common.sh

disk=$(disk "$1") || exit
size=/sys/block/$disk/ring_size

# resize SIZE...: gives the rings these sizes, one after the other.
resize() {
	for wanted in "$@"; do
		echo "$wanted" >"$size" || fail "$disk does not take rings of $wanted descriptors"
		expect "the size of the rings" "$(cat "$size")" "$wanted"
		resets=$((resets + 1))
	done
}

# done_requests: prints how many reads and writes have ended.
done_requests() {
	awk '{ print $1 + $5 }' "/sys/block/$disk/stat"
}

expect "the feature RING_RESET" "$(feature "$(virtio_of "$disk")" 40)" 1
case $1 in
rings-packed) expect "the feature RING_PACKED" "$(feature "$(virtio_of "$disk")" 34)" 1 ;;
esac
expect "the size of the rings" "$(cat "$size")" 1024
for impossible in 0 1 64 2048 65536 -1 many ''; do
	refuse sh -c "echo '$impossible' >$size" 2>/dev/null
done
case $1 in
rings) refuse sh -c "echo 600 >$size" 2>/dev/null ;;
rings-packed) resize 600 131 ;;
esac
expect "the size after impossible ones" "$(cat "$size")" "$([ "$1" = rings ] && echo 1024 || echo 131)"

# How many fit into one load depends on how busy the host is.
resets=0
while [ $resets -lt 16 ]; do
	sh lib/verify.sh "/dev/$disk" >/tmp/verify.out 2>&1 &
	load=$!
	while kill -0 $load 2>/dev/null; do
		resize 128 1024 256 512
		before=$(done_requests)
		kill -0 $load 2>/dev/null && sleep 0.2
	done
	wait $load || fail "data was not what was written: $(cat /tmp/verify.out)"
done
echo "$resets resets under load"
[ "$before" -gt 0 ] || fail "there was no load"

fixed=$(disk rings-fixed) || exit
expect "the feature RING_RESET" "$(feature "$(virtio_of "$fixed")" 40)" 0
refuse sh -c "echo 128 >/sys/block/$fixed/ring_size" 2>/dev/null
expect "the size of rings that stay" "$(cat "/sys/block/$fixed/ring_size")" 256
