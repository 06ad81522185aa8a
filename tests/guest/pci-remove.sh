#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A PCI device that is removed by way of sysfs while it is in use comes back by a rescan.
#
# covers: INIT-27
# vm: @hotplug
# timeout: 400

. /host/guest/lib/common.sh

disk=$(disk plug) || exit
bdf=$(bdf_of "$disk")
for _ in 1 2 3; do
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --iodepth=32 \
		--size=16M --time_based --runtime=60 --minimal >/tmp/fio.out 2>&1 &
	load=$!
	sleep 2
	echo 1 >"/sys/bus/pci/devices/$bdf/remove"
	no_disk plug || fail "the disk is still there"
	within 30 sh -c "! kill -0 $load 2>/dev/null" || fail "a request did not end"
	wait $load
	refuse test -e "/sys/bus/pci/devices/$bdf"
	echo 1 >/sys/bus/pci/rescan
	# What is found again has no override and may go to the kernel's own driver first.
	bound "$bdf" rvirtio_pci || sh /run/rvirtio/rebind "$bdf" || fail "it cannot be had back"
	disk=$(disk plug) || exit
done
sh lib/verify.sh "/dev/$disk"
