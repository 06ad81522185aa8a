#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An entropy device delivers in each layout of its ring, with and without event index and order, and
# by each kind of interrupt: each of its buffers comes back with a callback of its own.
#
# covers: RNG-01
# vm: @entropy

. /host/guest/lib/common.sh

class=/sys/class/misc/hw_random
devices=0
for device in /sys/bus/pci/drivers/rvirtio_pci/0000:*/*virtio[0-9]*; do
	[ "$(basename "$(readlink -f "$device/driver")")" = rvirtio_rng ] || continue
	number=$(basename "$device")
	number=${number##*virtio}
	echo "rvirtio_rng.$number" >$class/rng_current || fail "rvirtio_rng.$number cannot be chosen"
	# 32 buffers, one after the other.
	timeout 60 dd if=/dev/hwrng of=/tmp/bytes bs=2048 count=1 iflag=fullblock status=none ||
		fail "$device did not deliver: features $(cat "$device/features")"
	expect "bytes of $device" "$(wc -c </tmp/bytes)" 2048
	devices=$((devices + 1))
done
expect "entropy devices" $devices 24
