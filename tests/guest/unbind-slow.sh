#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Unbinding waits for slow requests and gives their data to the reader, not an error or nothing.
#
# vm: @hotplug
# timeout: 180

. /host/guest/lib/common.sh

disk=$(disk slow) || exit
bdf=$(bdf_of "$disk")
# udev reads every new disk, here at 2 s a request.
udevadm settle --timeout=60
dd if="/dev/$disk" of=/tmp/data bs=4k count=1 iflag=direct status=none &
reader=$!
in_flight() {
	[ "$(awk '{ print $1 + $2 }' "/sys/block/$disk/inflight")" -gt 0 ]
}
within 5 in_flight || fail "the read is not in flight"
start=$(date +%s)
echo "$bdf" >/sys/bus/pci/drivers/rvirtio_pci/unbind || fail "unbind failed"
took=$(($(date +%s) - start))
[ $took -le 20 ] || fail "unbind took $took s"
wait $reader || fail "the read that was in flight failed"
expect "bytes that were read" "$(wc -c </tmp/data)" 4096
echo "$bdf" >/sys/bus/pci/drivers/rvirtio_pci/bind || fail "bind failed"
disk slow >/dev/null
