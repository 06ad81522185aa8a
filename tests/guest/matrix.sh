#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A disk takes data and gives it back in each combination of ring, order, tables, events, vectors,
# addresses, size and model.
#
# covers: FEAT-04 INIT-09
# vm: --smp 2 --memory 1536 --device intel-iommu,intremap=off --append intel_iommu=on
# matrix: yes
# timeout: 180

. /host/guest/lib/common.sh

disk=$(disk "$1") || exit
virtio=$(virtio_of "$disk")
expect "the driver of $disk" "$(driver_of "$disk")" rvirtio_blk

# has LETTER BIT: prints 1 when the name of the combination has the letter.
has() {
	case $1 in
	*"$2"*) echo 1 ;;
	*) echo 0 ;;
	esac
}
features=${1%q*}
size=${1##*q}
expect "RING_PACKED" "$(feature "$virtio" 34)" "$(has "$features" p)"
expect "IN_ORDER" "$(feature "$virtio" 35)" "$(has "$features" i)"
expect "INDIRECT_DESC" "$(feature "$virtio" 28)" "$(has "$features" t)"
expect "EVENT_IDX" "$(feature "$virtio" 29)" "$(has "$features" e)"
expect "ACCESS_PLATFORM" "$(feature "$virtio" 33)" "$(has "$features" y)"
expect "the size of the rings" "$(cat "/sys/block/$disk/ring_size")" "${size%[ml]}"

sh lib/verify.sh "/dev/$disk" && exit

# Is it the host? The kernel's own driver, with the same device, tells.
modprobe virtio_pci && modprobe virtio_blk
sh /run/rvirtio/rebind --to-c "$(bdf_of "$disk")" || fail "data is not what was written"
disk=$(disk "$1") || exit
if sh lib/verify.sh "/dev/$disk" >/dev/null; then
	fail "data is not what was written; the kernel's own driver passes"
fi
fail "data is not what was written; with the kernel's own driver neither"
