#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On arm64, the root file system and other disks with split and packed rings, the units of a SCSI host, a
# network card and an entropy source work.
#
# vm: @arm64
# cases: boot split packed split-in-order packed-in-order line unit network entropy
# timeout: 300
# full: yes
# debug-kernel: no

. /host/guest/lib/common.sh

expect "the processor" "$(uname -m)" aarch64
case $1 in
boot) exec sh boot.sh ;;
network) exec sh /run/rvirtio/network check ;;
unit) exec sh scsi-verify.sh "$1" ;;
entropy)
	grep -q '^rvirtio_rng' /sys/class/misc/hw_random/rng_current || fail "rvirtio_rng is not in use"
	timeout 60 dd if=/dev/hwrng of=/tmp/bytes bs=4096 count=4 iflag=fullblock status=none || fail "no bytes came"
	expect "different bytes" "$(od -An -v -tu1 -w1 /tmp/bytes | sort -u | wc -l)" 256
	;;
*) exec sh fio-verify.sh "$1" ;;
esac
