#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host that the machine's owner takes away while its units are in use, also with slow commands in flight,
# goes cleanly, and another can be plugged in its place.
#
# covers: INIT-27
# vm: @scsi-slow
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh
. /host/guest/lib/recovery.sh

limit() {
	qmp qom-set "{\"path\":\"/objects/brake\",\"property\":\"limits\",\"value\":{\"iops-total\":$1}}" >/dev/null || exit
}

# plugged PROPERTIES: whether QEMU takes it, which it does when the one before is gone.
plugged() {
	python3 $LIB/qmp.py device_add "{$1}" >/dev/null 2>&1
}

has_driver() {
	[ -e "/sys/bus/pci/devices/$bdf/driver" ]
}

gone() {
	[ ! -e "/sys/bus/pci/devices/$bdf" ]
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

load() {
	fio --name="$1" --filename="/dev/$1" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --iodepth=16 \
		--time_based --runtime=120 --minimal >"/tmp/fio.$1" 2>&1 &
	within 30 in_flight "$1" || fail "there is no load: $(cat "/tmp/fio.$1")"
}

drive='"driver":"scsi-hd","bus":"s.0","share-rw":true'
disk=$(unit store) || exit
bdf=$(function_of "$disk")
for round in 1 2; do
	disk=$(unit store) || exit
	slow=$(unit slow) || exit
	limit 1
	load "$slow"
	loads=$!
	load "$disk"
	loads="$loads $!"
	unplug s
	within 60 gone || fail "the host did not go"
	limit 0
	for load in $loads; do
		within 60 ended "$load" || fail "I/O to a host that went does not end"
	done
	no_unit store || fail "the unit is still there: $(lsscsi)"
	no_unit slow || fail "the slow unit is still there: $(lsscsi)"
	within 30 plugged '"driver":"virtio-scsi-pci","id":"s","num_queues":4,"bus":"port1"' || fail "QEMU refuses another host"
	plug "$drive,\"drive\":\"store\",\"serial\":\"store\",\"lun\":1"
	plug "$drive,\"drive\":\"slow\",\"serial\":\"slow\",\"lun\":2"
	within 30 has_driver || fail "no PCI function with a driver appeared behind the port"
	bound "$bdf" rvirtio_pci || sh /run/rvirtio/rebind "$bdf" || fail "the plugged host cannot be had"
done
sh lib/verify.sh "/dev/$(unit store)"
