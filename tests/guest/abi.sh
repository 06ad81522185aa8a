#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A front end is refused on a core that it was not compiled for, though they differ by a comment.
#
# vm: @other-core
# debug-kernel: no

. /host/guest/lib/common.sh

core=/host/built/drivers/rvirtio/rvirtio.ko
[ -f $core ] || fail "there is no other core"
for module in $(modules); do
	rmmod "$module" || fail "$module cannot be removed"
done
insmod $core || fail "the other core is refused by itself"
for module in rvirtio_pci rvirtio_blk; do
	file=$(modinfo -n $module)
	forget_log
	refuse insmod "$file" 2>/tmp/error
	logged "$module: Unknown symbol" || fail "$module was refused for another reason: $(cat /tmp/error; kernel_log)"
done
# Those that were built with it fit.
for module in rvirtio_pci rvirtio_blk; do
	insmod /host/built/drivers/rvirtio/$module.ko || fail "the other $module does not fit the other core"
done
