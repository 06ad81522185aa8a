#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# tools/vm exec passes on every byte of both outputs, apart from each other, and the exit status.
#
# timeout: 240

fail() {
	echo "FAIL: $*"
	cat err
	exit 1
}

# Every byte value, in an order that a terminal would act on; longer than any buffer.
python3 -c 'import sys; sys.stdout.buffer.write(bytes(range(256)) * 1200)' >wanted || fail "python3 is needed"
mkdir shown
echo here >shown/file
"$REPO/tools/vm" exec --copy wanted:bytes --copy shown --log console -- sh -c '
	cat /host/bytes
	echo "to standard error" >&2
	cat /host/shown/file >&2
	[ "$1" = "two words" ] && exit 33' sh 'two words' >out 2>err
status=$?
[ $status -eq 33 ] || fail "the exit status is $status, not 33"
cmp wanted out || fail "the output is not what was written"
grep -qx 'to standard error' err || fail "standard error was not passed on"
grep -qx here err || fail "--copy did not show a directory"
grep -q 'Linux version' console || fail "--log has no kernel log"
