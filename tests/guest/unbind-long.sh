#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as unbind, fifty times for the driver of the disk too.
#
# vm: @hotplug
# cases: rvirtio_blk
# timeout: 900
# full: yes

ROUNDS=50
. /host/guest/unbind.sh
