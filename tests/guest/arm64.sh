#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On arm64, the root file system and other disks with split and packed rings, the units of a SCSI host, a
# network card and an entropy source work. For a device with ORDER_PLATFORM there are no barriers between CPUs,
# but those of the platform.
#
# covers: FEAT-08
# vm: @arm64
# cases: boot split packed split-in-order packed-in-order line unit network entropy
# cases: order-cpu order-platform
# timeout: 300
# full: yes
# debug-kernel: no

. /host/guest/lib/common.sh
. /host/guest/lib/own.sh

ORDER_PLATFORM=36
TRACING=/sys/kernel/debug/tracing
BARRIERS='rvirtio_helper_virt_mb rvirtio_helper_virt_rmb rvirtio_helper_virt_wmb'

# calls: prints how often each of the barriers between CPUs was called so far.
calls() {
	for barrier in $BARRIERS; do
		awk -v name="$barrier" '$1 == name { print $2 }' $TRACING/kprobe_profile
	done
}

# orders DISK MIN MAX: whether 100 requests to the disk, one after the other, have at least MIN and at most MAX
# calls of each of the barriers between CPUs. The root disk may be in use meanwhile. Those of the platform cannot
# be counted: the kernel does not let its own helpers be traced.
orders() {
	before=$(calls)
	dd if="/dev/$1" of=/dev/null bs=4k count=100 iflag=direct status=none || fail "$1 cannot be read"
	# Unquoted: a word for each barrier.
	echo $before $(calls) | awk -v disk="$1" -v min="$2" -v max="$3" '{
		for (i = 1; i <= NF / 2; i++) {
			calls = $(i + NF / 2) - $i
			print disk ": " calls " calls"
			if (calls < min || calls > max)
				exit 1
		}
	}'
}

# expect_order SERIAL FEATURE MIN MAX
expect_order() {
	disk=$(disk "$1") || exit
	expect "ORDER_PLATFORM of $1" "$(feature "$(virtio_of "$disk")" $ORDER_PLATFORM)" "$2"
	for barrier in $BARRIERS; do
		echo "p:$barrier $barrier"
	done >$TRACING/kprobe_events || fail "calls of barriers cannot be counted"
	expect "barriers that are counted" "$(calls | wc -l)" 3
	echo 1 >$TRACING/events/kprobes/enable
	sync
	within 60 orders "$disk" "$3" "$4"
	status=$?
	echo 0 >$TRACING/events/kprobes/enable
	echo >$TRACING/kprobe_events
	[ $status -eq 0 ] || fail "$1 has other barriers than it needs"
}

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
order-cpu)
	expect_order split 0 100 1000
	expect_order packed 0 100 1000
	;;
order-platform)
	for serial in platform platform-packed; do
		expect_order $serial 1 0 0
		sh lib/verify.sh "/dev/$disk" || fail "data is not what was written"
		expect_no_findings "$(bdf_of "$disk")"
	done
	;;
*) exec sh fio-verify.sh "$1" ;;
esac
