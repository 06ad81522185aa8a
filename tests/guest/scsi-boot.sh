#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The root file system is on a disk of a SCSI host of rvirtio_scsi, and the kernel's own driver is not
# even loaded.
#
# covers: INIT-18 FEAT-01
# vm: --root scsi

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

root=$(findmnt -no SOURCE /)
root=${root#/dev/}
expect "the driver of $root" "$(basename "$(readlink -f "$(virtio_path "$root")/driver")")" rvirtio_scsi
refuse grep '^virtio_scsi ' /proc/modules
python3 /run/rvirtio/devices | grep -q 'SCSI *rvirtio_scsi on rvirtio_pci' || fail "the table of devices does not have it: $(python3 /run/rvirtio/devices)"

# Written, dropped from memory, read back.
dd if=/dev/urandom of=/var/tmp/file bs=64k count=64 conv=fsync status=none || fail "the root disk cannot be written"
before=$(sha256sum </var/tmp/file)
echo 3 >/proc/sys/vm/drop_caches
expect "the file's checksum" "$(sha256sum </var/tmp/file)" "$before"
rm /var/tmp/file
