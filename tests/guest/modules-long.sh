#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as modules, fifty times, without a leak.
#
# vm: @ram
# timeout: 900
# full: yes

ROUNDS=50
. /host/guest/modules.sh
