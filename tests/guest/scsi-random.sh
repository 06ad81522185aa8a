#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as own-random, with SCSI hosts.
#
# vm: @own-scsi
# cases: 0 1 2
# timeout: 600
# full: yes

. /host/guest/lib/scsi.sh
OWN_UNITS="h-split0 h-packed0 h-order0"
. /host/guest/own-random.sh
