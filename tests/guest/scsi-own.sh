#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host that checks what a driver does finds nothing wrong while data is written and read, caches are
# flushed, the function is reset, and its driver bound again.
#
# covers: SCSI-01 SCSI-02 SCSI-04 SCSI-07 SCSI-09 SCSI-D1
# vm: @own-scsi
# cases: h-split h-packed h-order
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

first=$(unit "${1}0") || exit
second=$(unit "${1}1") || exit
bdf=$(function_of "$first")
before=$(counted "$bdf" requests)
sh lib/verify.sh "/dev/$first" >/tmp/first.out 2>&1 &
load=$!
sh lib/verify.sh "/dev/$second" || fail "data is not what was written"
wait $load || fail "data is not what was written: $(cat /tmp/first.out)"
[ $(($(counted "$bdf" requests) - before)) -ge 200 ] || fail "the host has seen $(counted "$bdf" requests) commands"
expect "commands that were not completed" "$(counted "$bdf" in-flight)" 0
expect_no_findings "$bdf"

expect_flush "$bdf" "$first"
reset_three_times "$bdf" "$first"
bind_anew "$bdf"
first=$(unit "${1}0") || exit
dd if="/dev/$first" of=/dev/null bs=4k count=1 iflag=direct status=none ||
	fail "it cannot be read after the driver was bound anew"
expect_no_findings "$bdf"
