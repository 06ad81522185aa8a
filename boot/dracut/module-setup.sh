#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Puts rvirtio into the initramfs, where it is used if the kernel's command line says so.

# A kernel that rvirtio was not built for gets nothing.
check() {
	modinfo -k "$kernel" rvirtio_pci >/dev/null 2>&1
}

installkernel() {
	# Whatever this machine has now; and the kernel's driver, to go back to.
	hostonly='' instmods rvirtio_pci rvirtio_blk rvirtio_net rvirtio_rng virtio_blk
}

install() {
	inst_script /usr/share/rvirtio/take-over
	inst_multiple modprobe mkdir sleep
	inst_rules 61-rvirtio.rules
	inst_hook pre-udev 00 "$moddir/take-over.sh"
}
