#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as blk-hibernate, twenty times.
#
# vm: @restart
# timeout: 1800
# full: yes

ROUNDS=20
. /host/guest/blk-hibernate.sh
