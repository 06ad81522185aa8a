#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The root file system is on a disk of rvirtio_blk, and the kernel's own driver is not even loaded.
#
# covers: PCI-01 PCI-02 PCI-03 INIT-18 FEAT-01
# vm: qcow2: --image qcow2
# vm: raw: --image raw
# vm: transitional: --root-device virtio-blk-pci-transitional
# vm: modern: --root-device virtio-blk-pci-non-transitional

. /host/guest/lib/common.sh

VERSION_1=32

root=$(findmnt -no SOURCE /)
root=${root#/dev/}
expect "the driver of $root" "$(driver_of "$root")" rvirtio_blk
expect "the driver of its PCI device" "$(basename "$(readlink -f "/sys/bus/pci/devices/$(bdf_of "$root")/driver")")" rvirtio_pci
for module in rvirtio rvirtio_pci rvirtio_blk; do
	grep -q "^$module .* Live " /proc/modules || fail "$module is not loaded"
done
refuse grep '^virtio_blk ' /proc/modules
expect "VERSION_1" "$(feature "$(virtio_of "$root")" $VERSION_1)" 1

# Written, dropped from memory, read back.
dd if=/dev/urandom of=/var/tmp/file bs=64k count=64 conv=fsync status=none || fail "the root disk cannot be written"
before=$(sha256sum </var/tmp/file)
echo 3 >/proc/sys/vm/drop_caches
expect "the file's checksum" "$(sha256sum </var/tmp/file)" "$before"
rm /var/tmp/file
