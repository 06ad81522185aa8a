#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The same as blk-suspend, fifty times.
#
# timeout: 3000
# full: yes

ROUNDS=50
. "$REPO/tests/host/blk-suspend.sh"
