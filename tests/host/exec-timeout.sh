#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/vm exec ends with 124 when the command takes too long, and passes on what it had said.
#
# timeout: 300

"$REPO/tools/vm" exec --timeout 30 -- sh -c 'echo started; sleep 1000' >out 2>err
status=$?
cat out err
[ $status -eq 124 ] && grep -qx started out && grep -q 'time-out' err
