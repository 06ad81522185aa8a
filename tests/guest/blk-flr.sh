#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk whose function is reset a hundred times while data is written and verified goes on.
#
# covers: INIT-27
# vm: @restart
# cases: split packed
# timeout: 600

. /host/guest/lib/common.sh

ROUNDS=100

disk=$(disk "$1") || exit
bdf=$(bdf_of "$disk")
counter() {
	cat "/sys/block/$disk/device/recovery/$1"
}
[ "$(cut -d " " -f 1 "/sys/bus/pci/devices/$bdf/reset_method")" = flr ] || fail "the function has no FLR"
fio --name=verify --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring \
	--rw=randrw --rwmixread=30 --bsrange=512-64k --blockalign=512 --size=32M --iodepth=32 \
	--loops=1000 --time_based --runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
load=$!
busy() { [ "$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")" -gt "$before" ]; }
round=0
while [ $round -lt $ROUNDS ]; do
	before=$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")
	within 30 busy || fail "nothing is done after $round resets: $(cat /tmp/fio.out)"
	echo 1 >"/sys/bus/pci/devices/$bdf/reset" || fail "the reset failed"
	round=$((round + 1))
done
before=$(awk '{ print $1 + $5 }' "/sys/block/$disk/stat")
within 30 busy || fail "nothing is done after all resets"
# It stops, verifies what it has written, and tells whether all was well.
kill -INT $load
wait $load
grep -q 'err= 0' /tmp/fio.out || fail "data was not what was written: $(cat /tmp/fio.out)"
expect "resets because of failures" "$(counter resets)" 0
expect "leaked bytes" "$(counter leaked_bytes)" 0
sh lib/verify.sh "/dev/$disk"
