#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A request that finds no room in the ring is not forgotten, even if others complete just then. So
# small reads succeed beside large requests that fill the ring all the time.
#
# vm: @full
# timeout: 300

. /host/guest/lib/common.sh

# load DISK: writes and reads of up to 14 segments from as many threads as there are CPUs.
load() {
	exec fio --name=load --filename="/dev/$1" --allow_file_create=0 --direct=1 --ioengine=io_uring --thread \
		--rw=randrw --bsrange=512-1M --blockalign=512 --numjobs=4 --size=8M --offset_increment=8M \
		--iodepth=32 --iodepth_batch_submit=8 --time_based --runtime=60 >/dev/null 2>&1
}

# read_on DISK CPU: small reads on this CPU until the load is over; each has 30 s.
read_on() {
	while kill -0 "$loads" 2>/dev/null; do
		timeout 30 taskset -c "$2" dd if="/dev/$1" of=/dev/null bs=4k count=1 iflag=direct status=none || {
			echo "a read of $1 on CPU $2 has waited for 30 s" >>/tmp/late
			return
		}
		timeout 30 taskset -c "$2" cat "/sys/block/$1/serial" >/dev/null || {
			echo "the serial number of $1 on CPU $2 has waited for 30 s" >>/tmp/late
			return
		}
	done
}

: >/tmp/late
for name in one two; do
	disk=$(disk $name) || exit
	load "$disk" &
	loads=$!
	for cpu in 0 1 2 3; do
		read_on "$disk" $cpu &
	done
done
wait
[ ! -s /tmp/late ] || fail "$(cat /tmp/late)"
