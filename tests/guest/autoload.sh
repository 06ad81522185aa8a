#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A device that appears brings its module in by its alias, without anybody asking.
#
# vm: --root ram --device virtio-rng-pci

. /host/guest/lib/common.sh

rmmod rvirtio_rng || fail "rvirtio_rng cannot be removed"
refuse grep -q '^rvirtio_rng ' /proc/modules
loaded() {
	grep -q '^rvirtio_rng ' /proc/modules
}
device=$(grep -l 0x0004 /sys/bus/*virtio/devices/*/device) || fail "there is no entropy device"
device=${device%/device}
refuse test -e "$device/driver"
echo add >"$device/uevent"
within 15 loaded || fail "rvirtio_rng was not loaded for $(cat "$device/modalias")"
within 15 test -e "$device/driver" || fail "rvirtio_rng did not take the device"
