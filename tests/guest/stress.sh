#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The root disk stands processors that come and go, memory that runs short and interrupts that move,
# while data is written and verified.
#
# vm: --smp 4 --memory 768
# timeout: 240

. /host/guest/lib/common.sh

fio --name=verify --filename=/var/tmp/fio --size=48M --direct=1 --ioengine=io_uring --rw=randwrite --bsrange=512-256k \
	--blockalign=512 --iodepth=16 --verify=crc32c --verify_fatal=1 --do_verify=1 --loops=2 --minimal >/tmp/fio.out 2>&1 &
load=$!
stress-ng --vm 2 --vm-bytes 40% --timeout 30 --quiet &
root=$(findmnt -no SOURCE /)
virtio=$(virtio_of "${root#/dev/}")
end=$(($(date +%s) + 30))
while [ "$(date +%s)" -lt $end ]; do
	for cpu in 1 2 3; do
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online || fail "cpu$cpu cannot be switched off"
		sleep 0.3
	done
	for cpu in 3 1 2; do
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online || fail "cpu$cpu cannot be switched on"
		sleep 0.3
	done
done
wait $load || fail "data was not what was written: $(cat /tmp/fio.out)"
rm /var/tmp/fio
grep -q "$virtio-req.0" /proc/interrupts || fail "the interrupt is gone"
