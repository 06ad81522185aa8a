#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A kernel with the drivers built in, and none in C, boots from our disk without an initramfs. Names
# are those that guests know.
#
# vm: @builtin --kernel builtin
# debug-kernel: no
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

expect "the modules" "$(cat /proc/modules)" ""
config() {
	zcat /proc/config.gz | grep "^CONFIG_$1="
}
config RVIRTIO || fail "the kernel has no drivers of ours"
refuse config VIRTIO
refuse config VIRTIO_BLK
refuse grep -q initrd /proc/cmdline
refuse sh -c "dmesg | grep -q 'Unpacking initramfs'"
dmesg | grep -q 'VFS: Mounted root (ext4 filesystem)' || fail "the kernel has not mounted its root itself"

root=$(basename "$(readlink -f "/sys/dev/block/$(mountpoint -d /)")")
expect "the root disk" "$root" vda
expect "its driver" "$(driver_of "$root")" rvirtio_blk
[ -d /sys/bus/virtio/devices ] || fail "the bus is not called virtio"
refuse test -e /sys/bus/rvirtio

# Names that udev makes for disks on the bus virtio.
disk=$(disk spare) || exit
expect "the disk by its place" "$(readlink -f "/dev/disk/by-path/pci-$(bdf_of "$disk")")" "/dev/$disk"
expect "the disk by its name" "$(readlink -f /dev/disk/by-id/virtio-spare)" "/dev/$disk"

sh lib/verify.sh "/dev/$disk"
dd if=/dev/hwrng of=/dev/null bs=64 count=4 status=none || fail "no random numbers"

near=$(interface $NEAR_BDF) || exit
expect "the interface" "$near" enp0s16
expect "its driver" "$(ethtool -i "$near" | sed -n 's/^driver: //p')" rvirtio_net
ip address add 10.0.2.15/24 dev "$near"
ip link set "$near" up
within 10 has_carrier "$near" || fail "$near has no carrier"
ping -c 3 -W 10 10.0.2.2 >/dev/null || fail "the host does not answer"
