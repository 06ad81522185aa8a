#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The entropy device delivers to /dev/hwrng, different bytes each time, and can be taken away from a
# reader that waits.
#
# covers: RNG-01 RNG-02
# vm: @features

. /host/guest/lib/common.sh

class=/sys/class/misc/hw_random

# source_at BDF: prints the name of the source that the PCI device is.
source_at() {
	number=$(basename /sys/bus/pci/devices/"$1"/*virtio[0-9]*)
	echo "rvirtio_rng.${number##*virtio}"
}

# The slow one gives 4 bytes in a second.
fast=$(source_at 0000:00:1c.0)
slow=$(source_at 0000:00:1d.0)
for source in "$fast" "$slow"; do
	grep -qw "$source" $class/rng_available || fail "$source is not among $(cat $class/rng_available)"
done

echo "$fast" >$class/rng_current
for name in one two; do
	timeout 60 dd if=/dev/hwrng of=/tmp/$name bs=4096 count=8 iflag=fullblock status=none || fail "$fast did not deliver 32 KiB"
	expect "bytes" "$(wc -c </tmp/$name)" 32768
done
refuse cmp -s /tmp/one /tmp/two
# Random bytes take all values; a buffer that was never filled has one.
values=$(od -An -v -tu1 -w1 /tmp/one | sort -u | wc -l)
expect "different bytes in 32 KiB" "$values" 256

# Taken away while a reader waits for the slow one.
echo "$slow" >$class/rng_current
device=$(echo /sys/bus/*virtio/devices/virtio"${slow##*.}")
dd if=/dev/hwrng of=/tmp/rest bs=64 count=100 iflag=fullblock status=none 2>/tmp/error &
reader=$!
sleep 3
kill -0 $reader 2>/dev/null || fail "the reader did not wait"
driver=$(readlink -f "$device/driver")
echo "${device##*/}" >"$driver/unbind" || fail "unbind failed"
grep -q "$slow" $class/rng_available && fail "$slow is still there after unbind"
kill $reader 2>/dev/null
wait $reader
echo "${device##*/}" >"$driver/bind" || fail "bind failed"
grep -q "$slow" $class/rng_available || fail "$slow did not come back: $(cat $class/rng_available)"
echo "$slow" >$class/rng_current
timeout 30 dd if=/dev/hwrng of=/dev/null bs=1 count=4 iflag=fullblock status=none || fail "$slow does not deliver any more"

# A reader that is interrupted ends at once.
timeout 1 cat /dev/hwrng >/dev/null
expect "the status of an interrupted reader" $? 124
