#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk whose function is reset a hundred times while data is written and verified goes on.
#
# covers: INIT-27
# vm: @restart
# cases: split packed
# timeout: 600

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/flr.sh

disk=$(disk "$1") || exit
reset_under_load "$disk" "$(bdf_of "$disk")" 100
sh lib/verify.sh "/dev/$disk"
