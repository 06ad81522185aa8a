#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Where the modules cannot be built for a kernel, the script that DKMS runs first says in a sentence what to do.
# DKMS skips the kernel unless something has failed, and nothing is left behind.
#
# cases: headers rust compiler source disk
# full: yes
# timeout: 600

. "$REPO/tests/host/lib/machine.sh"

cp -r "$REPO/dkms" .
metadata='sh dkms/rust-metadata'

# The installed headers, as far as they are looked at before anything is made.
copy_headers() {
	"$REPO/tools/vm" in machine -- sh -c "cp /lib/modules/*/build/.config ." || fail 'no headers'
	mkdir headers && mv .config headers
	printf 'VERSION = 7\nPATCHLEVEL = 3\nSUBLEVEL = 99\n' >headers/Makefile
}

# refused STATUS PATTERN COMMAND: run in the machine.
refused() {
	"$REPO/tools/vm" in machine -- sh -c "$3" >out 2>&1
	status=$?
	tail -n 5 out
	[ $status -eq "$1" ] || fail "status $status, not $1"
	says out "^rvirtio: .*$2"
	[ ! -e kdir ] && [ ! -e kdir.partial ] || fail 'something was left'
}

case $1 in
headers) refused 77 'install linux-headers' "$metadata $PWD/nothing $PWD/kdir" ;;
rust)
	copy_headers
	sed -i '/^CONFIG_RUST=/d' headers/.config
	refused 77 'was built without Rust' "$metadata $PWD/headers $PWD/kdir"
	;;
compiler)
	copy_headers
	sed -i 's/^CONFIG_RUSTC_VERSION_TEXT=.*/CONFIG_RUSTC_VERSION_TEXT="rustc 1.97.1"/' headers/.config
	refused 77 'built with rustc 1.97.1, but rustc .* is installed: install that' "$metadata $PWD/headers $PWD/kdir"
	;;
source)
	copy_headers
	refused 77 'source of Linux 7.3.99 is not there: install linux-source-7.3' "$metadata $PWD/headers $PWD/kdir"
	;;
disk)
	mkdir small
	"$REPO/tools/vm" in machine -- mount -t tmpfs tmpfs small 2>mount.err ||
		{ echo "no file system can be mounted: $(cat mount.err)" && exit 77; }
	refused 1 'is the disk full?' "mount -t tmpfs -o size=20m tmpfs small && $metadata /lib/modules/*/build $PWD/small/kdir;
		status=\$?; ls small; exit \$status"
	grep -qx 'kdir.*' out && fail 'something was left'
	exit 0
	;;
esac
