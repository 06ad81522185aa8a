#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as net-random, with more seeds.
#
# vm: @own-net
# cases: 1 2 3
# timeout: 400
# full: yes

. /host/guest/net-random.sh
