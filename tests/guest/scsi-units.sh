#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host shows its units with the addresses that they have, up to the highest target and unit,
# its limits are those of the device, and what a program asks a unit is answered, with sense data if
# it is refused.
#
# covers: SCSI-02 SCSI-03 SCSI-D1
# vm: @scsi
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

disk=$(unit many0) || exit
virtio=$(virtio_path "$disk")
expect "the driver of $disk" "$(basename "$(readlink -f "$virtio/driver")")" rvirtio_scsi
host=$(host_of "$disk")
expect "the name of the host's driver" "$(cat "/sys/class/scsi_host/host$host/proc_name")" rvirtio_scsi
expect "the number of queues" "$(cat "/sys/class/scsi_host/host$host/nr_hw_queues")" 4

for pair in many0=0:0:0 many1=0:0:1 many300=0:0:16684 far=0:255:32767; do
	unit=$(unit "${pair%=*}") || exit
	expect "the address of ${pair%=*}" "$(address_of "$unit")" "$host:${pair#*=}"
done

small=$(unit small) || exit
expect "segments of a small queue" "$(cat "/sys/block/$small/queue/max_segments")" 6
few=$(unit block4k) || exit
expect "commands of a unit" "$(cat "/sys/block/$few/device/queue_depth")" 3
# sysfs lets users ask for more than the device allows.
echo 200 >"/sys/block/$few/device/queue_depth"
expect "commands of a unit, at most" "$(cat "/sys/block/$few/device/queue_depth")" 3

sg_luns --quiet "/dev/$disk" >/tmp/luns || fail "REPORT LUNS failed"
expect "the units that the target reports" "$(sort /tmp/luns | tr '\n' ' ' | tr -s ' ')" \
	"0000000000000000 0001000000000000 412c000000000000 "
sg_raw "/dev/$disk" 00 00 00 00 00 00 >/tmp/raw 2>&1 || fail "TEST UNIT READY failed"
sg_inq "/dev/$disk" | grep -q 'Vendor identification: QEMU' || fail "INQUIRY is not answered: $(sg_inq "/dev/$disk")"
# Beyond the end: ILLEGAL REQUEST, LBA out of range.
refuse sh -c "sg_raw -r 512 /dev/$disk 28 00 ff ff ff f0 00 00 01 00 >/tmp/raw 2>&1"
grep -qi 'out of range' /tmp/raw || fail "no sense data says why: $(cat /tmp/raw)"
# No such operation.
refuse sh -c "sg_raw /dev/$disk ff 00 00 00 00 00 >/tmp/raw 2>&1"
grep -qi 'illegal request' /tmp/raw || fail "no sense data says why: $(cat /tmp/raw)"
# Fewer bytes than there is room for: the rest does not count.
sg_raw -r 255 "/dev/$disk" 12 00 00 00 24 00 2>&1 | grep -q 'Received 36 bytes' || fail "the residual is wrong"
# Empty, and says so.
cd=$(basename "$(echo /sys/class/scsi_host/host*/device/target*:0:1/*:0:1:0)")
[ -c "/dev/bsg/$cd" ] || fail "there is no CD drive: $(lsscsi)"
refuse sh -c "sg_raw /dev/bsg/$cd 00 00 00 00 00 00 >/tmp/raw 2>&1"
grep -qi 'medium not present' /tmp/raw || fail "no sense data says why: $(cat /tmp/raw)"
