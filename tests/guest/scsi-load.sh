#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as own-load, with SCSI hosts, of which each does another thing.
#
# vm: @own-scsi
# cases: 2
# timeout: 400
# full: yes

. /host/guest/lib/scsi.sh
OWN_UNITS="h-split0 h-packed0 h-order0"
. /host/guest/own-load.sh
