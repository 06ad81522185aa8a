#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The parameters of rvirtio_blk limit queues and depth, name the disks, and switch features off, of all
# devices or of one; nonsense is refused.
#
# vm: @ram
# timeout: 180

. /host/guest/lib/common.sh

# remove: udev may just be looking at the disk.
remove() {
	within 10 rmmod rvirtio_blk 2>/tmp/error || fail "rvirtio_blk cannot be removed: $(cat /tmp/error)"
}

# insert PARAMETER...: with these parameters, in place of what is there.
insert() {
	remove
	modprobe rvirtio_blk "$@" || fail "modprobe rvirtio_blk $* failed"
	disk=$(disk one) || exit
}

disk=$(disk one) || exit
expect "the usual name" "${disk%?}" vd
depth=$(cat "/sys/block/$disk/queue/nr_requests")
expect "queues" "$(ls "/sys/block/$disk/mq" | wc -l)" 2

insert num_request_queues=1
expect "queues with num_request_queues=1" "$(ls "/sys/block/$disk/mq" | wc -l)" 1
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"

insert num_request_queues=100 queue_depth=4
expect "queues with num_request_queues=100" "$(ls "/sys/block/$disk/mq" | wc -l)" 2
expect "the depth with queue_depth=4" "$(cat "/sys/block/$disk/queue/nr_requests")" 4
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"

insert queue_depth=100000
[ "$(cat "/sys/block/$disk/queue/nr_requests")" -le "$depth" ] || fail "more requests than the ring holds"

insert name_prefix=rvd
expect "the name with name_prefix=rvd" "${disk%?}" rvd
dd if="/dev/$disk" of=/dev/null bs=4k count=16 iflag=direct status=none || fail "$disk cannot be read"

# Bits 12 and 29 are MQ and EVENT_IDX.
insert features_off=MQ,EVENT_IDX
for bit in 12 29; do
	expect "feature $bit with features_off" "$(feature "$(virtio_of "$disk")" $bit)" 0
done
expect "queues with features_off=MQ" "$(ls "/sys/block/$disk/mq" | wc -l)" 1
expect "the parameter" "$(cat /sys/module/rvirtio_blk/parameters/features_off)" MQ,EVENT_IDX
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
bdf=$(bdf_of "$disk")

insert "features_off=INDIRECT_DESC,$bdf/EVENT_IDX"
two=$(disk two) || exit
expect "EVENT_IDX of the device that is named" "$(feature "$(virtio_of "$disk")" 29)" 0
expect "EVENT_IDX of another device" "$(feature "$(virtio_of "$two")" 29)" 1
expect "INDIRECT_DESC of another device" "$(feature "$(virtio_of "$two")" 28)" 0

remove
forget_log
for nonsense in features_off=DISCARDS features_off=MQ,VERSION_1 features_off=0000:00:1f.0/mq; do
	refuse modprobe rvirtio_blk "$nonsense" 2>/dev/null
done
within 10 logged 'features_off: "DISCARDS" is not a feature; known are .*DISCARD .*EVENT_IDX' ||
	fail "the features that are known were not logged"
for nonsense in queue_depth=many num_request_queues=-1 \
	name_prefix=much-too-long-a-prefix-for-the-name-of-any-disk; do
	refuse modprobe rvirtio_blk "$nonsense" 2>/dev/null
done
for odd in '' a/b VD 'v d'; do
	forget_log
	modprobe rvirtio_blk name_prefix="\"$odd\"" || fail "modprobe failed with name_prefix='$odd'"
	within 10 logged 'name_prefix must be lowercase ASCII letters' || fail "name_prefix='$odd' is not refused"
	no_disk one || fail "there is a disk with name_prefix='$odd'"
	remove
done
modprobe rvirtio_blk || fail "rvirtio_blk cannot be inserted after nonsense"
disk one >/dev/null
