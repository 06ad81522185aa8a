# SPDX-License-Identifier: GPL-2.0
#
# What tests of function-level resets share. Sourced by them, after recovery.sh.

# reset_under_load DISK BDF ROUNDS: resets the function so many times while data is written to its disk and
# verified; fails if that does not go on after each.
reset_under_load() {
	[ "$(cut -d " " -f 1 "/sys/bus/pci/devices/$2/reset_method")" = flr ] || fail "the function has no FLR"
	fio --name=verify --filename="/dev/$1" --allow_file_create=0 --direct=1 --ioengine=io_uring \
		--rw=randrw --rwmixread=30 --bsrange=512-64k --blockalign=512 --size=32M --iodepth=32 \
		--loops=1000 --time_based --runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
	load=$!
	round=0
	while [ $round -lt "$3" ]; do
		before=$(awk '{ print $1 + $5 }' "/sys/block/$1/stat")
		within 30 goes_on "$1" || fail "nothing is done after $round resets: $(cat /tmp/fio.out)"
		echo 1 >"/sys/bus/pci/devices/$2/reset" || fail "the reset failed"
		round=$((round + 1))
	done
	before=$(awk '{ print $1 + $5 }' "/sys/block/$1/stat")
	within 30 goes_on "$1" || fail "nothing is done after all resets"
	# It stops, verifies what it has written, and tells whether all was well.
	kill -INT $load
	wait $load
	grep -q 'err= 0' /tmp/fio.out || fail "data was not what was written: $(cat /tmp/fio.out)"
	expect "resets because of failures" "$(counter "$1" resets)" 0
	expect "leaked bytes" "$(counter "$1" leaked_bytes)" 0
}

goes_on() {
	[ "$(awk '{ print $1 + $5 }' "/sys/block/$1/stat")" -gt "$before" ]
}
