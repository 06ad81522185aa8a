#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as own-load, with each fault by each kind of disk, and a minute of resets.
#
# vm: @own-faults
# cases: 0 1 2 3
# timeout: 600
# full: yes

LONG=60
. /host/guest/own-load.sh
