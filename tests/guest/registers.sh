#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The driver is worked in every way while QEMU traces what it does to registers. The trace is judged
# when the guest has ended.
#
# vm: @registers
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

trace() {
	for event in memory_region_ops_read memory_region_ops_write; do
		qmp trace-event-set-state "{\"name\":\"$event\",\"enable\":$1}" >/dev/null
	done
}

DISKS="split packed in-order no-vectors one-vector transitional"

# use_disks: reads and writes each of them.
use_disks() {
	for serial in $DISKS; do
		disk=$(disk "$serial") || exit
		dd if=/dev/urandom of=/tmp/data bs=64k count=16 status=none
		dd if=/tmp/data of="/dev/$disk" bs=64k oflag=direct conv=notrunc status=none || fail "$serial cannot be written"
		dd if="/dev/$disk" of=/tmp/back bs=4k count=256 iflag=direct status=none || fail "$serial cannot be read"
		cmp /tmp/data /tmp/back || fail "$serial does not hold what was written"
	done
}

trace true

# Each is brought up anew: first its front end, then its transport.
for serial in $DISKS; do
	disk=$(disk "$serial") || exit
	virtio=$(virtio_of "$disk")
	driver=$(readlink -f "/sys/block/$disk/device/driver")
	echo "$virtio" >"$driver/unbind"
	echo "$virtio" >"$driver/bind"
	disk=$(disk "$serial") || exit
	bdf=$(bdf_of "$disk")
	echo "$bdf" >/sys/bus/pci/drivers/rvirtio_pci/unbind
	echo "$bdf" >/sys/bus/pci/drivers/rvirtio_pci/bind
done
use_disks

NET_BDF=0000:00:13.0
echo $NET_BDF >/sys/bus/pci/drivers/rvirtio_pci/unbind
echo $NET_BDF >/sys/bus/pci/drivers/rvirtio_pci/bind
net=$(interface $NET_BDF) || exit
ip link set "$net" up
sent() { [ "$(counter "$net" tx_packets)" -gt 0 ]; }
within 15 sent || fail "$net sends nothing"

# What changes while they run.
disk=$(disk split) || exit
echo "write through" >"/sys/block/$disk/cache_type" || fail "the cache mode cannot be set"
echo "write back" >"/sys/block/$disk/cache_type" || fail "the cache mode cannot be set"
for size in 256 1024; do
	echo $size >"/sys/block/$disk/ring_size" || fail "the rings of split cannot be resized"
done
disk=$(disk packed) || exit
echo 300 >"/sys/block/$disk/ring_size" || fail "the rings of packed cannot be resized"
qmp block_resize '{"node-name":"packed","size":50331648}' >/dev/null
within 10 [ "$(blockdev --getsize64 "/dev/$disk")" = 50331648 ] || fail "packed did not grow"
use_disks
ip link set "$net" address 52:54:00:00:77:42 mtu 1400 promisc on allmulticast on || fail "$net cannot be changed"
ethtool "$net" >/dev/null
ip link set "$net" down

# One that the driver gives up: its blocks are too large. The guest's start has left it to C.
bdf=0000:00:12.0
echo "$bdf" >"/sys/bus/pci/devices/$bdf/driver/unbind"
echo rvirtio_pci >"/sys/bus/pci/devices/$bdf/driver_override"
echo "$bdf" >/sys/bus/pci/drivers_probe
within 10 logged 'invalid block size' || fail "no device was given up"

# All devices at once.
within 10 rmmod rvirtio_blk || fail "rvirtio_blk cannot be removed"
modprobe rvirtio_blk || fail "rvirtio_blk cannot be inserted again"
use_disks
dd if=/dev/hwrng of=/dev/null bs=64 count=4 status=none || fail "no random numbers"

trace false
