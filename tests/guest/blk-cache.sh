#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The cache mode is what the device says, can be switched where it allows that, and decides whether
# fsync sends a flush.
#
# covers: BLK-01 BLK-02 BLK-03 BLK-16 BLK-17
# vm: @features

. /host/guest/lib/common.sh

FLUSH=9
CONFIG_WCE=11

# flushes DISK: prints how many flush requests it ended so far (16th value of its statistics).
flushes() {
	awk '{ print $16 }' "/sys/block/$1/stat"
}

# flush_of DISK: prints how many flushes a write with fsync causes.
flush_of() {
	before=$(flushes "$1")
	dd if=/dev/zero of="/dev/$1" bs=4k count=1 conv=fsync,notrunc status=none || fail "fsync failed on $1"
	echo $(($(flushes "$1") - before))
}

disk=$(disk cache) || exit
expect "FLUSH" "$(feature "$(virtio_of "$disk")" $FLUSH)" 1
expect "CONFIG_WCE" "$(feature "$(virtio_of "$disk")" $CONFIG_WCE)" 1
for mode in "write through" "write back" "write through" "write back"; do
	echo "$mode" >"/sys/block/$disk/cache_type" || fail "$mode was refused"
	expect "cache_type" "$(cat "/sys/block/$disk/cache_type")" "$mode"
	expect "queue/write_cache" "$(cat "/sys/block/$disk/queue/write_cache")" "$mode"
	flushes=$(flush_of "$disk")
	case $mode in
	"write back") [ "$flushes" -ge 1 ] || fail "no flush with a write-back cache" ;;
	"write through") expect "flushes with a write-through cache" "$flushes" 0 ;;
	esac
done
# Not only known to the block layer: the device shows the byte that was written.
echo "write through" >"/sys/block/$disk/cache_type"
bdf=$(bdf_of "$disk")
echo "$bdf" >/sys/bus/pci/drivers/rvirtio_pci/unbind
echo "$bdf" >/sys/bus/pci/drivers/rvirtio_pci/bind
disk=$(disk cache) || exit
# A reset restores the mode that the device began with.
expect "the mode after a reset" "$(cat "/sys/block/$disk/cache_type")" "write back"

for nonsense in "" writeback "write  back" "write back and more"; do
	refuse sh -c "echo '$nonsense' >/sys/block/$disk/cache_type" 2>/dev/null
	expect "the mode after nonsense" "$(cat "/sys/block/$disk/cache_type")" "write back"
done

fixed=$(disk cache-fixed) || exit
expect "CONFIG_WCE of the fixed one" "$(feature "$(virtio_of "$fixed")" $CONFIG_WCE)" 0
expect "the mode of the fixed one" "$(cat "/sys/block/$fixed/cache_type")" "write back"
refuse sh -c "echo 'write through' >/sys/block/$fixed/cache_type" 2>/dev/null
[ "$(flush_of "$fixed")" -ge 1 ] || fail "no flush from the fixed one"

none=$(disk cache-none) || exit
echo "without a cache: FLUSH is $(feature "$(virtio_of "$none")" $FLUSH)"
if [ "$(feature "$(virtio_of "$none")" $FLUSH)" = 0 ]; then
	expect "the mode without FLUSH" "$(cat "/sys/block/$none/cache_type")" "write through"
	expect "flushes without FLUSH" "$(flush_of "$none")" 0
fi
