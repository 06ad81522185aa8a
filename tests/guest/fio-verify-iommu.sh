#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Disks behind an IOMMU get addresses that it translates, a disk beside it gets those of the guest's
# memory, and what is written is read back.
#
# covers: FEAT-03 FEAT-04 FEAT-05
# vm: @iommu
# cases: iommu iommu-mq iommu-direct iommu-vectors1 beside
# timeout: 240

. /host/guest/lib/common.sh

ACCESS_PLATFORM=33

disk=$(disk "$1") || exit
expect "the driver of $disk" "$(driver_of "$disk")" rvirtio_blk
translated=1
[ "$1" != beside ] || translated=0
expect "ACCESS_PLATFORM" "$(feature "$(virtio_of "$disk")" $ACCESS_PLATFORM)" $translated
[ -n "$(ls /sys/class/iommu)" ] || fail "this guest has no IOMMU"
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
refuse logged 'DMAR:.*fault'
