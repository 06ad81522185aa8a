#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as hot-unplug, a hundred times.
#
# vm: @hotplug
# timeout: 1800
# full: yes

ROUNDS=100
. /host/guest/hot-unplug.sh
