#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine whose root file system is on our disk is suspended to memory ten times while data is
# written and verified, and goes on each time, as does its source of entropy.
#
# covers: INIT-27
# timeout: 600

. "$REPO/tests/host/lib/restart.sh"

# After a suspend to memory QEMU's machine cannot be switched off, whoever drives its disks, so the
# guest is restarted in the end.
for queues in split:packed=off packed:packed=on; do
	restarts --root-device "virtio-blk-pci,num-queues=2,${queues#*:}" --device virtio-rng-pci -- sh -c '
		# fio does not end while it makes its file.
		head -c 32M /dev/zero >/var/tmp/fio
		sync
		fio --name=verify --filename=/var/tmp/fio --size=32M --direct=1 --ioengine=io_uring --rw=randrw \
			--rwmixread=30 --bsrange=512-64k --blockalign=512 --iodepth=32 --loops=1000 --time_based \
			--runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
		load=$!
		ended() { awk "{ print \$1 + \$5 }" /sys/block/vda/stat; }
		goes_on() {
			before=$(ended)
			tries=0
			until [ $(($(ended) - before)) -gt 10 ]; do
				tries=$((tries + 1))
				[ $tries -lt 300 ] || return
				sleep 0.1
			done
		}
		goes_on || echo "FAIL: there is no load"
		round=0
		while [ $round -lt '"${ROUNDS:-10}"' ]; do
			# Time to get to sleep: an alarm that comes before is lost.
			rtcwake -m mem -s 8 >/dev/null || echo "FAIL: not suspended"
			goes_on || echo "FAIL: nothing is done after suspend $round"
			timeout 30 head -c 64 /dev/hwrng >/dev/null || echo "FAIL: no entropy after suspend $round"
			round=$((round + 1))
		done
		kill -INT $load
		wait $load
		grep -q "err= 0" /tmp/fio.out || cat /tmp/fio.out
		echo "suspended $(cat /sys/power/suspend_stats/success) times, $(grep -c "err= 0" /tmp/fio.out) load is well"
		grep . /sys/block/vda/device/recovery/*
		echo 1 >/proc/sys/kernel/sysrq
		sync
		python3 -c "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"' || exit 1
	grep -q "^suspended ${ROUNDS:-10} times, 1 load is well" out || exit 1
	if grep -q FAIL out; then exit 1; fi
done
