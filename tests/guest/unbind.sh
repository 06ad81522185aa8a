#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unbinding a driver while its disk is in use ends every request, and leaves a device that works.
# Fifty times, without a leak, for the driver of the PCI device, with which the other one goes.
#
# covers: INIT-26 INIT-27 INIT-12 PCI-19 PCI-20
# vm: @hotplug
# cases: rvirtio_pci rvirtio_blk
# timeout: 900

. /host/guest/lib/common.sh
. /host/guest/lib/leak.sh

disk=$(disk plug) || exit
case $1 in
rvirtio_pci)
	rounds=50
	driver=/sys/bus/pci/drivers/rvirtio_pci
	name() { echo "$bdf"; }
	;;
rvirtio_blk)
	rounds=5
	driver=$(readlink -f "/sys/block/$disk/device/driver")
	# Its number is the PCI device's as long as that stays bound.
	virtio=$(virtio_of "$disk")
	name() { echo "$virtio"; }
	;;
esac
bdf=$(bdf_of "$disk")

# round: one unbind and bind under load. The load leaves the CPU that takes its interrupts some time
# for others: on a busy host an emulated one has none to spare, and this script waits for it.
round() {
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bsrange=512-64k --iodepth=32 \
		--rate_iops=400 --size=32M --time_based --runtime=60 --minimal >/tmp/fio.out 2>&1 &
	load=$!
	busy() { [ "$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat" 2>/dev/null)" -gt "$done_before" ]; }
	done_before=$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")
	within 30 busy || fail "there is no load: $(cat /tmp/fio.out)"
	echo "$(name)" >"$driver/unbind" || fail "unbind failed"
	no_disk plug || fail "the disk is still there"
	# Its file is gone: fio ends with an error, and must end.
	within 30 sh -c "! kill -0 $load 2>/dev/null" || fail "a request did not end"
	wait $load
	echo "$(name)" >"$driver/bind" || fail "bind failed"
	disk=$(disk plug) || exit
}

repeat "${ROUNDS:-$rounds}" round
sh lib/verify.sh "/dev/$disk"
