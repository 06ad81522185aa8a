#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host that cannot be used is refused with one line that says why, leaves nothing behind, and
# hosts with odd limits work within them.
#
# covers: INIT-10 INIT-23
# vm: @scsi-bad
# timeout: 120

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

# try BDF PATTERN: has our driver try a device, which it must refuse for this reason.
try() {
	device=/sys/bus/pci/devices/$1
	[ ! -e "$device/driver" ] || echo "$1" >"$device/driver/unbind"
	forget_log
	echo rvirtio_pci >"$device/driver_override"
	echo "$1" >/sys/bus/pci/drivers_probe 2>/dev/null
	within 5 logged "$2" || fail "the kernel's log does not say '$2': $(kernel_log)"
	expect "lines about it" "$(kernel_log | grep -Ec "$2")" 1
	refuse sh -c "ls -d $device/*virtio*/driver 2>/dev/null"
	refuse grep -q "$1" /proc/interrupts
}

hosts=$(ls /sys/class/scsi_host)
for round in 1 2 3; do
	try 0000:00:11.0 'transfers of 7 sectors are smaller than a page'
	try 0000:00:12.0 'invalid queue size 3'
done
expect "the hosts" "$(ls /sys/class/scsi_host)" "$hosts"

odd=$(unit odd) || exit
expect "the largest request in KiB" "$(cat "/sys/block/$odd/queue/max_hw_sectors_kb")" 4
expect "commands of a unit" "$(cat "/sys/block/$odd/device/queue_depth")" 1
large=$(unit large) || exit
sh lib/verify.sh "/dev/$odd" || fail "data is not what was written"
sh lib/verify.sh "/dev/$large"
