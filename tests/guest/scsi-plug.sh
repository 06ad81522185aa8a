#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Units that the host plugs, unplugs and resizes come, go and change here, and no other does; another
# one at the same address is seen as such; I/O to one that went ends; a medium can be changed.
#
# covers: SCSI-06 SCSI-07 SCSI-12 SCSI-13 SCSI-14
# vm: @scsi
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

add() {
	plug "\"driver\":\"scsi-hd\",\"bus\":\"h-plug.0\",\"scsi-id\":$1,\"lun\":$2,\"drive\":\"$3\",\"id\":\"$4\",\"serial\":\"$4\"" || exit
}

has_sectors() {
	[ "$(cat "/sys/block/$1/size")" = "$2" ]
}

load() {
	fio --name=load --filename="/dev/$1" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randrw --bs=4k --iodepth=32 \
		--time_based --runtime=60 --minimal >/tmp/fio.out 2>&1 &
	load=$!
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

# Units 0, 44 and 300 of one target. 300 is 44 in its low bits.
add 3 0 third first
add 3 44 spare unit44
add 3 300 other unit300
disk44=$(unit unit44) || exit
disk300=$(unit unit300) || exit
expect "the address of unit 300" "$(address_of "$disk300" | cut -d: -f2-)" 0:3:16684
load "$disk44"
sized=$(unit sized) || exit
qmp block_resize '{"node-name":"sized","size":50331648}' >/dev/null || exit
within 20 has_sectors "$sized" 98304 || fail "a resized unit has $(cat "/sys/block/$sized/size") sectors"
qmp block_resize '{"node-name":"sized","size":67108864}' >/dev/null || exit
within 20 has_sectors "$sized" 131072 || fail "a resized unit has $(cat "/sys/block/$sized/size") sectors"
unplug unit300
within 20 no_unit unit300 || fail "unit 300 did not go"
has_unit unit44 || fail "unit 44 went with unit 300"
ended $load && fail "I/O to unit 44 has ended: $(cat /tmp/fio.out)"

# The first unit goes, the others of the target stay.
unplug first
within 20 no_unit first || fail "the first unit did not go"
has_unit unit44 || fail "unit 44 went with the first"

# Under load, and another in its place.
unplug unit44
within 20 no_unit unit44 || fail "unit 44 did not go"
within 30 ended $load || fail "I/O to a unit that went does not end"
refuse wait $load
for round in 1 2 3 4 5; do
	add 3 44 spare "again$round"
	disk=$(unit "again$round") || exit
	dd if="/dev/$disk" of=/dev/null bs=64k count=4 iflag=direct status=none || fail "round $round: the disk cannot be read"
	unplug "again$round"
	within 20 no_unit "again$round" || fail "round $round: the disk did not go"
done

# More at once than there are buffers for events: the device may have to say that it has lost some.
for unit in 1 2 3 4 5 6 7 8 9 10 11 12; do
	plug "\"driver\":\"scsi-cd\",\"bus\":\"h-plug.0\",\"scsi-id\":9,\"lun\":$unit,\"id\":\"flood$unit\"" || exit
done
drives() {
	[ "$(ls -d /sys/class/scsi_device/*:0:9:* 2>/dev/null | wc -l)" = "$1" ]
}
within 60 drives 12 || fail "of 12 drives there are $(ls -d /sys/class/scsi_device/*:0:9:* | wc -l)"
for unit in 1 2 3 4 5 6 7 8 9 10 11 12; do
	unplug flood$unit
done
within 60 drives 0 || fail "of 12 drives that went there are still $(ls -d /sys/class/scsi_device/*:0:9:* | wc -l)"

# A medium comes and goes, if the kernel has a driver for drives.
modprobe -q sr_mod
[ -e /sys/bus/scsi/drivers/sr ] || exit 0
cd=$(basename "$(echo /sys/class/scsi_host/host*/device/target*:0:1/*:0:1:0/block/sr*)")
qmp blockdev-open-tray '{"id":"cd"}' >/dev/null || exit
qmp blockdev-insert-medium '{"id":"cd","node-name":"medium"}' >/dev/null || exit
qmp blockdev-close-tray '{"id":"cd"}' >/dev/null || exit
read_medium() {
	dd if="/dev/$cd" of=/dev/null bs=2048 count=8 status=none 2>/dev/null
}
within 20 read_medium || fail "the medium cannot be read"
expect "the size of the medium" "$(blockdev --getsize64 "/dev/$cd")" 4194304
qmp blockdev-open-tray '{"id":"cd","force":true}' >/dev/null || exit
qmp blockdev-remove-medium '{"id":"cd"}' >/dev/null || exit
qmp blockdev-close-tray '{"id":"cd"}' >/dev/null || exit
