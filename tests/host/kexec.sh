#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel that is started by another, while that reads and writes its disks, or after it has crashed,
# finds devices that are quiet, and can use them: with small queues after a crash, to write a dump.
#
# covers: INIT-22
# cases: start crash
# timeout: 200
# full: yes

truncate -s 256M data
truncate -s 64M slow
cat >init <<'END'
#!/bin/busybox sh
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs dev /dev
exec >/dev/console 2>&1
/bin/busybox echo "second: starts"
while read -r module; do /bin/busybox insmod /load/$module; done </load.order
# The kernel's own driver is built in, and has taken them.
for function in /sys/bus/pci/drivers/virtio-pci/0000:*; do
	[ -e /sys/bus/pci/drivers/rvirtio_pci ] || break
	echo ${function##*/} >/sys/bus/pci/drivers/virtio-pci/unbind
	echo rvirtio_pci >/sys/bus/pci/devices/${function##*/}/driver_override
	echo ${function##*/} >/sys/bus/pci/drivers_probe
done
for disk in vda vdb; do
	[ "$(/bin/busybox cat /sys/block/$disk/serial)" = data ] && break
done
/bin/busybox echo "second: $(/bin/busybox ls /sys/block/$disk/mq | /bin/busybox wc -l) queues of $(/bin/busybox cat /sys/block/$disk/ring_size) descriptors"
if [ -e /proc/vmcore ]; then from=/proc/vmcore; else from=/bin/busybox; fi
size=$(/bin/busybox dd if=$from bs=1M count=16 2>/dev/null | /bin/busybox wc -c)
sum=$(/bin/busybox dd if=$from bs=1M count=16 2>/dev/null | /bin/busybox sha256sum)
/bin/busybox dd if=$from of=/dev/$disk bs=1M count=16 conv=fsync 2>/dev/null
echo 3 >/proc/sys/vm/drop_caches
back=$(/bin/busybox head -c $size /dev/$disk | /bin/busybox sha256sum)
/bin/busybox echo "second: $size bytes of $from"
[ "$sum" != "$back" ] || /bin/busybox echo "second: all is well"
/bin/busybox poweroff -f
END
kernel=$(ls -v "${XDG_CACHE_HOME:-$HOME/.cache}"/rvirtio/kernel-*/usr/lib/modules/*-cloud-amd64/vmlinuz | tail -n 1)
"$REPO/tools/vm" exec --root ram --memory 1536 --log console --append crashkernel=256M \
	--copy "$kernel:vmlinuz" --copy "$REPO/tests/host/lib/kexec.py:kexec.py" --copy init:init \
	--blockdev driver=raw,node-name=data,file.driver=file,file.filename=data \
	--device virtio-blk-pci,drive=data,serial=data,num-queues=2,queue-size=1024 \
	--blockdev driver=null-co,node-name=slow,size=67108864,latency-ns=1000000000,read-zeroes=on \
	--device virtio-blk-pci,drive=slow,serial=slow -- sh -c '
	for name in vda vdb; do [ "$(cat /sys/block/$name/serial)" = data ] && data=$name || slow=$name; done
	# Requests are in flight when this kernel ends.
	fio --name=load --filename=/dev/$data --allow_file_create=0 --offset=128M --size=64M --direct=1 --ioengine=io_uring \
		--rw=randrw --bs=64k --iodepth=16 --time_based --runtime=60 >/dev/null 2>&1 &
	fio --name=slow --filename=/dev/$slow --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randread --bs=64k \
		--iodepth=16 --time_based --runtime=60 >/dev/null 2>&1 &
	sleep 3
	python3 /host/kexec.py /host/vmlinuz '"$1"' /host/init' >out 2>&1
status=$?
cat out
sed -n '/second: starts/,$p' console
# 70: a crash is a complaint. 125: the guest ended without saying why.
case $1 in
crash) expected=70 queues="1 queues of 64 descriptors" ;;
*) expected=125 queues="2 queues of 1024 descriptors" ;;
esac
[ $status -eq $expected ] || { tail console; exit 1; }
grep -q 'second: all is well' console || { tail console; exit 1; }
grep -q "second: $queues" console
