#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host whose function is reset while data is written and verified goes on, with the units that
# it had.
#
# covers: INIT-27
# vm: @scsi-slow
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/flr.sh

disk=$(unit store) || exit
units=$(units_of "$disk")
reset_under_load "$disk" "$(function_of "$disk")" 20
expect "the units" "$(units_of "$disk")" "$units"
