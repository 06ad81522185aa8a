#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Mistakes of the user are answered by one sentence that says what to do, and a status that is not 0.
#
# cases: kernel option device program
# timeout: 240

case $1 in
# Says which kernels there are.
kernel) KVER=9.9.9-nothing "$REPO/tools/vm" exec -- true 2>err && exit 1
	cat err
	grep -q '9.9.9-nothing' err && grep -q '7\.3\.[0-9].*cloud-amd64' err ;;
option) "$REPO/tools/vm" exec --smp none -- true 2>err
	status=$?
	cat err
	[ $status -eq 2 ] && grep -q -e '--smp' err ;;
# QEMU's own words are passed on.
device) "$REPO/tools/vm" exec --device no-such-device -- true 2>err
	status=$?
	cat err
	[ $status -eq 125 ] && grep -q 'no-such-device' err ;;
# A host without bubblewrap, where nothing can be installed.
program)
	mkdir bin
	IFS=:
	for dir in $PATH; do
		ln -s "$dir"/* bin/ 2>/dev/null
	done
	unset IFS
	rm -f bin/bwrap bin/apt-get
	[ ! -x /usr/sbin/bwrap ] || { echo "bubblewrap is where all look"; exit 77; }
	PATH=$PWD/bin "$REPO/tools/vm" exec -- true 2>err
	status=$?
	cat err
	[ $status -ne 0 ] && grep -q 'apt-get install.*bubblewrap' err ;;
esac
