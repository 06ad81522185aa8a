#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine whose root file system and swap space are on our disks is hibernated while data is written and
# verified on others, reads its image back, and goes on.
#
# covers: INIT-27
# vm: @restart
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh

swap=$(disk swap) || exit
grep -qw disk /sys/power/state || skip "this kernel cannot hibernate"
mkswap "/dev/$swap" >/dev/null || fail "no swap space"
swapon "/dev/$swap" || fail "no swap space"
# The image is made as small as possible, and read back at once.
echo 0 >/sys/power/image_size
echo test_resume >/sys/power/disk
loads=
for serial in split packed; do
	disk=$(disk $serial) || exit
	fio --name=verify --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring \
		--rw=randrw --rwmixread=30 --bsrange=512-64k --blockalign=512 --size=32M --iodepth=32 \
		--loops=1000 --time_based --runtime=3000 --verify=crc32c --verify_fatal=1 >/tmp/fio.$serial 2>&1 &
	loads="$loads $!"
done
ended() {
	awk '{ print $1 + $5 }' "/sys/block/$disk/stat"
}
busy() {
	[ "$(ended)" -gt "$before" ]
}
goes_on() {
	for serial in split packed; do
		disk=$(disk $serial) || exit
		before=$(ended)
		within 30 busy || fail "nothing is done on $serial after $1: $(kernel_log)"
	done
}
goes_on "the start"
round=0
while [ $round -lt "${ROUNDS:-1}" ]; do
	round=$((round + 1))
	sync
	# What was written to a file before is there after it, and is not in memory.
	date +%s%N >/var/tmp/hibernated
	seconds_of sh -c 'echo disk >/sys/power/state' || fail "not hibernated: $(kernel_log)"
	echo "hibernated in $took s"
	goes_on "hibernation $round"
done
for load in $loads; do
	kill -INT "$load"
	wait "$load"
done
for serial in split packed; do
	grep -q 'err= 0' /tmp/fio.$serial || fail "data of $serial was not what was written: $(cat /tmp/fio.$serial)"
	expect_counters "$(disk $serial)"
	sh lib/verify.sh "/dev/$(disk $serial)"
done
echo 3 >/proc/sys/vm/drop_caches
[ "$(wc -c </var/tmp/hibernated)" -ge 19 ] || fail "the root file system has lost a file"
expect_counters "$swap"
swapoff "/dev/$swap"
