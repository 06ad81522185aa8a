#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/vm exec ends with 70 and an excerpt when the kernel complained, whatever the command says.
#
# timeout: 240

"$REPO/tools/vm" exec -- sh -c 'echo "<4>WARNING: deliberate complaint" >/dev/kmsg; echo done' >out 2>err
status=$?
cat out err
[ $status -eq 70 ] && grep -qx done out && grep -q 'deliberate complaint' err
