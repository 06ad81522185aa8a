#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host behind an IOMMU gets addresses that it translates, and what is written is read back.
#
# covers: FEAT-03 FEAT-04
# vm: @iommu
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

ACCESS_PLATFORM=33

disk=$(unit scsi-iommu) || exit
expect "ACCESS_PLATFORM" "$(cut -c $((ACCESS_PLATFORM + 1)) "$(virtio_path "$disk")/features")" 1
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
refuse logged 'DMAR:.*fault'
