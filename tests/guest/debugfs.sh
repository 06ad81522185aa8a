#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Files in debugfs show what a device and its rings are doing, also when it hangs, and go with it.
#
# vm: @own-faults
# timeout: 120

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

DEBUG=/sys/kernel/debug
mountpoint -q $DEBUG || mount -t debugfs none $DEBUG

# value FILE WORD: prints the word that follows.
value() {
	grep -Eo "(^|[ :])$2 [^ ]+" "$1" | awk '{ print $2 }'
}

for serial in split packed; do
	disk=$(disk $serial) || exit
	bdf=$(bdf_of "$disk")
	dir=$DEBUG/rvirtio/$(virtio_of "$disk")
	udevadm settle --timeout=120
	cat "$dir/device" "$dir/queues" || fail "there is nothing in $dir"
	expect "bound" "$(value "$dir/device" bound)" 1
	expect "running" "$(value "$dir/device" running)" 1
	expect "status" "$(value "$dir/device" status)" 0x0f
	expect "in_flight" "$(value "$dir/queues" in_flight)" 0
	expect "size" "$(value "$dir/queues" size)" 128
	grep -q '^features.* 32 ' "$dir/device" || fail "VERSION_1 is not among the features"
	refuse sh -c "echo 1 >$dir/device" 2>/dev/null

	# A request that the device does not complete can be seen.
	tell "$bdf" stall >/dev/null
	read_block "$disk" 10 &
	reader=$!
	within 10 sh -c "grep -q 'in_flight 1 ' $dir/queues" || fail "the request cannot be seen: $(cat "$dir/queues")"
	tell "$bdf" honest >/dev/null
	wait $reader || fail "the request has failed"
	expect "in_flight" "$(value "$dir/queues" in_flight)" 0

	# A ring that the device has broken.
	tell "$bdf" "id 77" >/dev/null
	read_block "$disk" 20 || fail "the request has failed"
	expect "resets" "$(value "$dir/device" resets)" 1
	expect_no_findings "$bdf"

	# Somebody reads while the driver comes and goes.
	(while [ ! -e /tmp/enough ]; do cat "$dir/device" "$dir/queues"; done >/dev/null 2>&1) &
	for _ in 1 2 3; do
		bind_anew "$bdf"
	done
	touch /tmp/enough
	wait $!
	rm /tmp/enough
	[ "$(ls -d $DEBUG/rvirtio/virtio* | wc -l)" = "$(ls -d /sys/bus/*virtio*/devices/* | wc -l)" ] ||
		fail "there are not as many directories as devices"
done
