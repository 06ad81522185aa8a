#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/vm exec ends with 70, soon, when the guest's kernel dies.
#
# timeout: 240

started=$(date +%s)
"$REPO/tools/vm" exec --timeout 230 -- sh -c 'echo 1 >/proc/sys/kernel/sysrq; echo c >/proc/sysrq-trigger' >out 2>err
status=$?
cat out err
[ $status -eq 70 ] && grep -q 'panic' err && [ $(($(date +%s) - started)) -lt 200 ]
