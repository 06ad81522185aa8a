#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Requests of as many segments as a disk takes come through, also when more of them are in flight
# than there are tables for, and when these do not fit into the ring.
#
# vm: @segments
# cases: split packed mapped
# timeout: 120

. /host/guest/lib/common.sh

for kind in slow data; do
	name=$(disk $kind-"$1") || exit
	virtio=$(virtio_of "$name")
	expect "the driver of $name" "$(driver_of "$name")" rvirtio_blk
	expect "INDIRECT_DESC" "$(feature "$virtio" 28)" 1
	expect "ACCESS_PLATFORM" "$(feature "$virtio" 33)" "$([ "$1" = mapped ] && echo 1 || echo 0)"
	expect "RING_PACKED" "$(feature "$virtio" 34)" "$([ "$1" = packed ] && echo 1 || echo 0)"
	work=$([ $kind = slow ] && echo zeroes || echo data)
	python3 $LIB/segments.py "$name" "$work" || fail "$kind-$1"
done
