#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whatever is made of the lengths that a device reports, a disk that is right about them works. A
# read that succeeds without data is an error, unless lengths are all that counts.
#
# covers: BLK-D1
# vm: @lengths
# cases: auto prepare trust strict
# timeout: 300

. /host/guest/lib/common.sh

policy=$1
PARAMETER=/sys/module/rvirtio_blk/parameters/used_length

remove() {
	within 10 rmmod rvirtio_blk 2>/tmp/error || fail "rvirtio_blk cannot be removed: $(cat /tmp/error)"
}

# read_nothing: reads from the disk that has no data.
read_nothing() {
	dd if="/dev/$nothing" of=/dev/null bs=64k count=1 iflag=direct status=none 2>/dev/null
}

disk counts >/dev/null || exit
expect "the default" "$(cat $PARAMETER)" auto
remove
forget_log
for nonsense in '' no Auto autos; do
	refuse modprobe rvirtio_blk "used_length=$nonsense" 2>/dev/null
done
logged 'used_length must be one of \["auto", "prepare", "trust", "strict"\]' || fail "the log does not name the values"

forget_log
modprobe rvirtio_blk "used_length=$policy" || fail "modprobe failed"
expect "the parameter" "$(cat $PARAMETER)" "$policy"
for name in counts mapped; do
	disk=$(disk $name) || exit
	sh lib/verify.sh "/dev/$disk" || fail "data on $name is not what was written"
done
# The memory of a read in pieces, the last of which has the mark.
python3 lib/vectors.py "/dev/$disk" || fail "data that is read into pieces is not what was written"

nothing=$(disk nothing) || exit
case $policy in
auto | prepare)
	for round in 1 2 3; do
		refuse read_nothing
	done
	expect "messages" "$(kernel_log | grep -c 'succeeded without data')" 1
	;;
trust | strict)
	read_nothing || fail "a length that is right is not enough"
	refuse logged 'succeeded without data'
	;;
esac
refuse logged 'reads are checked by their data'
remove
modprobe rvirtio_blk || fail "modprobe failed"
disk counts >/dev/null
