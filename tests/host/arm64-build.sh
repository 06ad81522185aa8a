#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All modules build for Debian's kernel for arm64.
#
# full: yes
# timeout: 1800

"$REPO/tools/vm" build --arch arm64 >out 2>err || { cat err; exit 1; }
modules=$(tail -n 1 out)
for name in rvirtio rvirtio_pci rvirtio_blk rvirtio_net rvirtio_scsi; do
	module=$modules/drivers/rvirtio/$name.ko
	# e_machine of the ELF header, and the name of the kernel that it is for.
	machine=$(od -An -tu2 -j18 -N2 "$module")
	[ "$((machine))" -eq 183 ] || { echo "$module is not for arm64: $machine"; exit 1; }
	grep -aq 'vermagic=7\.3\..*-arm64 ' "$module" || { echo "$module is for another kernel"; exit 1; }
done
