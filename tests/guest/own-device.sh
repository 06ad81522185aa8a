#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A device that checks what a driver does, of each kind that there is, finds nothing wrong while data is
# written and read, the disk is flushed and reset, and its driver bound again; and the driver accepts what
# the device offers.
#
# covers: FEAT-07 FEAT-13 PCI-07 PCI-14 PCI-31 PCI-34 PCI-37 PCI-38 PCI-39 PCI-40 PCI-41 PCI-42 BLK-08
# covers: BLK-09 BLK-10 BLK-12 RING-S-19 RING-N-D1 RING-N-D2
# vm: @own
# cases: split packed split-in-order packed-in-order split-plain packed-plain line one-vector vectors small
# cases: odd data data-packed config-data both-data platform
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/own.sh

disk=$(disk "$1") || exit
bdf=$(bdf_of "$disk")
virtio=$(virtio_of "$disk")

# Which features the disk offers, all of which the driver has to accept.
case $1 in
split-plain | packed-plain) common= ;;
small) common=29 ;;
*) common="28 29" ;;
esac
case $1 in *packed* | odd | both-data) common="$common 34" ;; esac
case $1 in *in-order) common="$common 35" ;; esac
case $1 in data* | both-data) common="$common 38" ;; esac
case $1 in *config-data | both-data) common="$common 39" ;; esac
case $1 in platform) common="$common 33 36" ;; esac
for bit in 28 29 33 34 35 36 38 39; do
	case " $common " in *" $bit "*) wanted=1 ;; *) wanted=0 ;; esac
	expect "feature $bit" "$(feature "$virtio" $bit)" $wanted
done

before=$(counted "$bdf" requests)
sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
after=$(counted "$bdf" requests)
[ $((after - before)) -ge 100 ] || fail "the disk has seen $((after - before)) requests"
expect "requests that were not completed" "$(counted "$bdf" in-flight)" 0
expect_no_findings "$bdf"

expect_flush "$bdf" "$disk"
reset_three_times "$bdf" "$disk"
driver=$(readlink -f "/sys/bus/pci/devices/$bdf/driver")
for _ in 1 2; do
	echo "$bdf" >"$driver/unbind" || fail "unbind failed"
	echo "$bdf" >"$driver/bind" || fail "bind failed"
done
disk=$(disk "$1") || exit
dd if="/dev/$disk" of=/dev/null bs=64k count=16 iflag=direct status=none || fail "it cannot be read any more"
expect_no_findings "$bdf"
