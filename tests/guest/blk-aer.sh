#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk whose port reports a fatal error, so that the function is reset, goes on while data is written and
# verified; an error that is not fatal does not disturb it.
#
# vm: @restart
# cases: split packed
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh

ROUNDS=5

disk=$(disk "$1") || exit
bdf=$(bdf_of "$disk")
[ -e "/sys/bus/pci/devices/$bdf/aer_dev_fatal" ] || skip "this kernel does not handle errors of PCI Express"
# udev reads every new disk, one of them at 4 s a request.
udevadm settle --timeout=120
fio --name=verify --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring \
	--rw=randrw --rwmixread=30 --bsrange=512-64k --blockalign=512 --size=32M --iodepth=32 \
	--loops=1000 --time_based --runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
load=$!
ended() {
	awk '{ print $1 + $5 }' "/sys/block/$disk/stat"
}
busy() {
	[ "$(ended)" -gt "$before" ]
}
goes_on() {
	before=$(ended)
	within 30 busy || fail "nothing is done after $1: $(kernel_log)"
}
recovered() {
	[ "$(kernel_log | grep -c 'device recovery successful')" -ge "$1" ]
}
inject() {
	qmp human-monitor-command "{\"command-line\":\"pcie_aer_inject_error $1 $2\"}" >/dev/null || exit
}

round=0
goes_on "the start"
while [ $round -lt $ROUNDS ]; do
	round=$((round + 1))
	# A fatal error of the link, and a request that was not answered.
	inject "$1" DLP
	within 30 recovered $((2 * round - 1)) || fail "not recovered from fatal error $round: $(kernel_log)"
	goes_on "fatal error $round"
	inject "$1" COMP_TIME
	within 30 recovered $((2 * round)) || fail "not recovered from error $round: $(kernel_log)"
	goes_on "error $round that is not fatal"
done
kill -INT $load
wait $load
grep -q 'err= 0' /tmp/fio.out || fail "data was not what was written: $(cat /tmp/fio.out)"
expect_counters "$disk" requeues="$(counter "$disk" requeues)"
sh lib/verify.sh "/dev/$disk"
