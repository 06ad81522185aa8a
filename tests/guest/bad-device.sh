#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A device that cannot be used is refused with one line that says why, leaves nothing behind, and
# the other devices work.
#
# covers: INIT-10 INIT-23 INIT-24 INIT-03 FEAT-02
# vm: @bad
# cases: legacy blocks
# timeout: 120

. /host/guest/lib/common.sh

case $1 in
# Only the interface of before VIRTIO 1.0.
legacy) bdf=0000:00:11.0 why='not a modern virtio device' ;;
# Blocks of 1 MiB, which the block layer cannot do.
blocks) bdf=0000:00:12.0 why='invalid block size' ;;
esac
[ -d "/sys/bus/pci/devices/$bdf" ] || fail "the bad device is missing"

# try: has our driver try it once more.
try() {
	[ ! -e "/sys/bus/pci/devices/$bdf/driver" ] || echo "$bdf" >"/sys/bus/pci/devices/$bdf/driver/unbind"
	echo rvirtio_pci >"/sys/bus/pci/devices/$bdf/driver_override"
	echo "$bdf" >/sys/bus/pci/drivers_probe 2>/dev/null
	sleep 0.2
}

disks=$(ls /sys/block)
for round in 1 2 3 4 5 6 7 8 9 10; do
	forget_log
	try
	logged "$why" || fail "the kernel's log does not say '$why': $(kernel_log)"
	expect "errors of round $round" "$(kernel_log | grep -c "$why")" 1
	refuse sh -c "ls -d /sys/bus/pci/devices/$bdf/*virtio*/driver 2>/dev/null"
	expect "the disks" "$(ls /sys/block)" "$disks"
	refuse grep -q "$bdf" /proc/interrupts
done

good=$(disk good) || exit
sh lib/verify.sh "/dev/$good"
