#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On a kernel that watches memory, locks and DMA, data is what was written on every layout of rings
# while processors come and go and another disk loses its driver time and again.
#
# vm: @rings --kernel debug
# cases: split packed split-in-order packed-in-order
# timeout: 600

. /host/guest/lib/common.sh

disk=$(disk "$1") || exit
virtio=$(virtio_of "$disk")
case $1 in packed*) packed=1 ;; *) packed=0 ;; esac
case $1 in *in-order) in_order=1 ;; *) in_order=0 ;; esac
expect "the feature RING_PACKED" "$(feature "$virtio" 34)" $packed
expect "the feature IN_ORDER" "$(feature "$virtio" 35)" $in_order

spare=$(disk spare) || exit
driver=$(readlink -f "/sys/block/$spare/device/driver")
unplugged=$(virtio_of "$spare")

sh lib/verify.sh "/dev/$disk" >/tmp/verify.out 2>&1 &
load=$!
rounds=0
while kill -0 $load 2>/dev/null; do
	for cpu in 1 2; do
		echo 0 >/sys/devices/system/cpu/cpu$cpu/online || fail "cpu$cpu cannot be switched off"
	done
	dd if="/dev/$spare" of=/dev/null bs=64k iflag=direct status=none 2>/dev/null &
	echo "$unplugged" >"$driver/unbind" || fail "unbind failed"
	wait $!
	echo "$unplugged" >"$driver/bind" || fail "bind failed"
	spare=$(disk spare) || exit
	for cpu in 2 1; do
		echo 1 >/sys/devices/system/cpu/cpu$cpu/online || fail "cpu$cpu cannot be switched on"
	done
	rounds=$((rounds + 1))
done
wait $load || fail "data was not what was written: $(cat /tmp/verify.out)"
echo "$rounds rounds"
[ $rounds -ge 2 ] || fail "the load ended after $rounds rounds"

# Two scans: what is only in a register or on a stack during one of them counts as lost.
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
echo scan >/sys/kernel/debug/kmemleak || fail "this kernel does not look for leaks"
sleep 6
echo scan >/sys/kernel/debug/kmemleak
leaks=$(cat /sys/kernel/debug/kmemleak)
case $leaks in
*rvirtio* | *blk_mq* | *hwrng*) fail "memory was lost: $leaks" ;;
esac
