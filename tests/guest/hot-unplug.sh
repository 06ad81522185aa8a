#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk that the host takes away while it is in use goes cleanly, also with slow requests in
# flight or mounted, and another can be plugged in its place.
#
# covers: INIT-27
# vm: @hotplug
# timeout: 400

. /host/guest/lib/common.sh

plug() {
	qmp device_add '{"driver":"virtio-blk-pci","drive":"spare","id":"spare","serial":"spare","bus":"port1"}' >/dev/null || exit
	within 20 new_device || fail "no PCI device appeared behind the port"
	bound "$bdf" rvirtio_pci || sh /run/rvirtio/rebind "$bdf" || fail "the plugged disk cannot be had"
	disk=$(disk spare) || exit
}

# new_device: finds the virtio device behind a port, $bdf: its parent is a device too.
new_device() {
	for device in /sys/bus/pci/devices/*; do
		case $(basename "$(dirname "$(readlink -f "$device")")") in
		0000:*)
			bdf=${device##*/}
			[ "$(cat "$device/vendor" 2>/dev/null)" = 0x1af4 ] && return
			;;
		esac
	done
	return 1
}

unplug() {
	qmp device_del "{\"id\":\"$1\"}" >/dev/null || exit
	within 30 no_disk "$1" || fail "$1 did not go"
}

plug
unplug spare
round=0
while [ $round -lt "${ROUNDS:-3}" ]; do
	round=$((round + 1))
	sleep 1
	plug
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --iodepth=32 \
		--time_based --runtime=60 --minimal >/tmp/fio.out 2>&1 &
	load=$!
	sleep 2
	unplug spare
	within 30 sh -c "! kill -0 $load 2>/dev/null" || fail "a request did not end"
	wait $load
done
refuse test -e "/sys/bus/pci/devices/$bdf"
