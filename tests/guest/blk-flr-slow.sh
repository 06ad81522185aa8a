#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A request that is in flight when its function is reset succeeds, whether the device completes it
# before it confirms the reset, as QEMU does, or the driver repeats it.
#
# vm: @restart
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh

disk=$(disk slow) || exit
bdf=$(bdf_of "$disk")
# udev reads every new disk, here at 4 s a request.
udevadm settle --timeout=120
read_block "$disk" 100 &
reader=$!
within 5 in_flight "$disk" || fail "the read is not in flight"
reset() {
	echo 1 >"/sys/bus/pci/devices/$bdf/reset"
}
seconds_of reset || fail "the reset failed"
echo "The reset of a disk with a request that takes 4 s took $took s"
wait $reader || fail "the read that was in flight failed"
[ "$took" -lt 30 ] || fail "the reset took $took s, as if it had waited for a time-out"
expect "resets because of failures" "$(counter "$disk" resets)" 0
read_block "$disk" 101 || fail "the disk cannot be read any more"
