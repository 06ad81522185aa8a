#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is written to a disk is read back, in all sizes and alignments, with many requests in flight.
#
# covers: BLK-10 BLK-D2 PCI-31 PCI-43 FEAT-03 INIT-09
# vm: @fio
# cases: raw qcow2 raw-mq qcow2-mq vectors0 vectors1 vectors2 transitional modern direct no-event-idx
# cases: plain queue4 queue16-direct queue1024 no-adjust block4k
# timeout: 180

. /host/guest/lib/common.sh

disk=$(disk "$1") || exit
expect "the driver of $disk" "$(driver_of "$disk")" rvirtio_blk
sh lib/verify.sh "/dev/$disk"
