#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Devices show in sysfs, in events and in /proc/interrupts what those of the kernel's own virtio
# bus show, and the modules are found by alias.
#
# covers: INIT-05 INIT-06 INIT-08 FEAT-01 PCI-01 PCI-31
# vm: @features

. /host/guest/lib/common.sh

VERSION_1=32
INDIRECT_DESC=28

disk=$(disk cache) || exit
virtio=$(virtio_of "$disk")
device=/sys/bus/rvirtio/devices/$virtio
[ -d "$device" ] || device=/sys/bus/virtio/devices/$virtio
bus=$(basename "$(readlink -f "$device/subsystem")")

expect "device" "$(cat "$device/device")" 0x0002
expect "vendor" "$(cat "$device/vendor")" 0x1af4
# ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK.
expect "status" "$(cat "$device/status")" 0x0000000f
expect "modalias" "$(cat "$device/modalias")" "$bus:d00000002v00001AF4"
features=$(cat "$device/features")
expect "the length of features" ${#features} 128
expect "what features consists of" "$(echo "$features" | tr -d 01)" ""
expect "VERSION_1" "$(feature "$virtio" $VERSION_1)" 1
expect "INDIRECT_DESC" "$(feature "$virtio" $INDIRECT_DESC)" 1
for attribute in device vendor status modalias features; do
	refuse sh -c "echo 0 >$device/$attribute" 2>/dev/null
done
expect "MODALIAS of the event" "$(sed -n 's/^MODALIAS=//p' "$device/uevent")" "$(cat "$device/modalias")"
expect "DRIVER of the event" "$(sed -n 's/^DRIVER=//p' "$device/uevent")" rvirtio_blk

# The names of interrupts.
queues=$(ls "/sys/block/$disk/mq" | wc -l)
grep -q " $virtio-config\$" /proc/interrupts || fail "/proc/interrupts has no $virtio-config"
queue=0
while [ $queue -lt "$queues" ]; do
	grep -q " $virtio-req.$queue\$" /proc/interrupts || fail "/proc/interrupts has no $virtio-req.$queue"
	queue=$((queue + 1))
done

# Aliases lead to modules.
modinfo -F alias rvirtio_blk | grep -qx "$bus:d00000002v\*" || fail "rvirtio_blk has no alias for its devices: $(modinfo -F alias rvirtio_blk)"
expect "the module for the alias" "$(modprobe -R "$(cat "$device/modalias")")" rvirtio_blk
expect "the module of the driver" "$(basename "$(readlink -f "$device/driver/module")")" rvirtio_blk
for module in rvirtio rvirtio_pci rvirtio_blk rvirtio_rng; do
	case $(modinfo -F license $module) in
	GPL*) ;;
	*) fail "$module has the licence '$(modinfo -F license $module)'" ;;
	esac
	[ -n "$(modinfo -F description $module)" ] || fail "$module has no description"
done
depends=$(modinfo -F depends rvirtio_blk)
case ,$depends, in
*,rvirtio,*) ;;
*) fail "rvirtio_blk depends on '$depends'" ;;
esac
