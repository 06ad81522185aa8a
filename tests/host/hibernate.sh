#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine that is hibernated and switched off goes on when it is switched on again: our drivers read the
# image, and those in the image take over the disks.
#
# covers: INIT-27
# timeout: 400
# full: yes

truncate -s 1G swap
truncate -s 64M data
guest() {
	"$REPO/tools/vm" exec --root ram --memory 1024 --log console \
		--blockdev driver=raw,node-name=swap,file.driver=file,file.filename=swap --device virtio-blk-pci,drive=swap,serial=swap \
		--blockdev driver=raw,node-name=data,file.driver=file,file.filename=data --device virtio-blk-pci,drive=data,serial=data,packed=on \
		--device virtio-rng-pci "$@"
}

# What goes on in the second guest says so there.
guest -- sh -c '
	for name in vda vdb; do [ "$(cat /sys/block/$name/serial)" = swap ] && swap=$name || data=$name; done
	mkswap /dev/$swap && swapon /dev/$swap
	fio --name=verify --filename=/dev/$data --allow_file_create=0 --size=32M --direct=1 --ioengine=io_uring --rw=randrw \
		--bsrange=512-64k --blockalign=512 --iodepth=32 --loops=1000 --time_based --runtime=600 \
		--verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
	load=$!
	sleep 2
	echo 0 >/sys/power/image_size
	echo shutdown >/sys/power/disk
	echo disk >/sys/power/state || echo "FAIL: not hibernated"
	ended() { awk "{ print \$1 + \$5 }" /sys/block/$data/stat; }
	before=$(ended)
	sleep 3
	[ "$(ended)" -gt "$before" ] || echo "FAIL: nothing is done afterwards"
	head -c 64 /dev/hwrng | od -An -tx1 | head -1
	kill -INT $load
	wait $load
	grep -q "err= 0" /tmp/fio.out && echo "the load is well"
	grep -H . /sys/block/vd*/device/recovery/* | grep -v ":0$"
	echo "hibernated and back"' >first 2>&1
status=$?
cat first
[ $status -eq 125 ] || exit 1
grep -q 'reboot: Power down' console || { tail console; exit 1; }
guest -- sh -c '
	for name in vda vdb; do [ "$(cat /sys/block/$name/serial)" = swap ] && swap=$name; done
	cat /sys/block/$swap/dev >/sys/power/resume
	echo "FAIL: there is no image"' >second 2>&1
status=$?
cat second
[ $status -eq 0 ] || { tail console; exit 1; }
grep -q '^hibernated and back' second || exit 1
grep -q '^the load is well' second || exit 1
if grep -q FAIL second; then exit 1; fi
