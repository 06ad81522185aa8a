#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as net-own, with other devices.
#
# vm: @own-net
# cases: packed split-in-order plain
# timeout: 300
# full: yes

. /host/guest/net-own.sh
