#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is written to units of a SCSI host is read back, in all sizes and alignments, with many
# commands in flight, to several units at a time.
#
# covers: SCSI-15 SCSI-D2
# vm: @scsi
# cases: many split packed in-order packed-in-order line shared direct small block4k
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

units=$1
[ "$1" != many ] || units="many0 many1 many300 far"
jobs=
for name in $units; do
	disk=$(unit "$name") || exit
	(sh lib/verify.sh "/dev/$disk" || echo "$name failed") >"/tmp/$name.out" 2>&1 &
	jobs="$jobs $!"
done
wait $jobs
for name in $units; do
	[ ! -s "/tmp/$name.out" ] || fail "$(cat "/tmp/$name.out")"
done
