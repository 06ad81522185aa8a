#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A reboot with the root file system on our disk, and I/O in flight, gets as far as the restart and
# stops the devices without a complaint.
#
# covers: INIT-27
# timeout: 300

. "$REPO/tests/host/lib/restart.sh"

restarts --device virtio-rng-pci -- sh -c '
	fio --name=load --filename=/var/tmp/fio --size=16M --direct=1 --ioengine=io_uring --rw=randrw --bs=4k \
		--iodepth=16 --time_based --runtime=100 >/dev/null 2>&1 &
	cat /dev/hwrng >/dev/null &
	sleep 5
	echo 1 >/proc/sys/kernel/sysrq
	python3 -c "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"'
