#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Disks behind an IOMMU get addresses that it translates, and what is written is read back.
#
# covers: FEAT-03 FEAT-04
# vm: @iommu
# cases: iommu iommu-mq iommu-direct iommu-vectors1
# timeout: 240

. /host/guest/lib/common.sh

ACCESS_PLATFORM=33

disk=$(disk "$1") || exit
expect "the driver of $disk" "$(driver_of "$disk")" rvirtio_blk
expect "ACCESS_PLATFORM" "$(feature "$(virtio_of "$disk")" $ACCESS_PLATFORM)" 1
[ -n "$(ls /sys/class/iommu)" ] || fail "this guest has no IOMMU"
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
refuse logged 'DMAR:.*fault'
