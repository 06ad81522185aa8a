#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# All modules can be removed and inserted again while their disks are in use; a module that is in use
# cannot be removed.
#
# covers: INIT-27
# vm: @ram
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/leak.sh

refuse rmmod rvirtio 2>/dev/null

load() {
	fio --name=load --filename="/dev/$1" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bsrange=512-64k --iodepth=16 \
		--size=32M --time_based --runtime=120 --minimal >/tmp/fio."$1" 2>&1 &
	loads="$loads $!"
}

# under_load DISK: whether it has ended requests.
under_load() {
	[ "$(awk '{ print $1 + $5 }' "/sys/block/$1/stat")" -gt 100 ]
}

# removed: an open disk holds its module, so the readers go with the devices first.
remove() {
	for device in /sys/bus/pci/drivers/rvirtio_pci/0*; do
		echo "${device##*/}" >/sys/bus/pci/drivers/rvirtio_pci/unbind
	done
	for load in $loads; do
		within 30 sh -c "! kill -0 $load 2>/dev/null" || fail "a request did not end"
		wait "$load"
	done
	loads=
	for module in $inserted; do
		within 10 rmmod "$module" 2>/tmp/error || fail "$module cannot be removed: $(cat /tmp/error)"
	done
}

round() {
	one=$(disk one) || exit
	two=$(disk two) || exit
	load "$one"
	load "$two"
	within 30 under_load "$one" || fail "there is no load: $(cat /tmp/fio."$one")"
	within 30 under_load "$two" || fail "there is no load: $(cat /tmp/fio."$two")"
	# A driver whose disk is open stays.
	refuse rmmod rvirtio_blk 2>/dev/null
	remove
	for module in $inserted; do
		modprobe "$module" || fail "$module cannot be inserted"
	done
}

inserted=$(modules)
loads=
repeat "${ROUNDS:-5}" round
