#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whichever allocation of memory fails while the driver of a disk is bound, that is an error or a disk which
# works; and the driver can be bound afterwards.
#
# vm: @rings --kernel debug
# timeout: 600
# full: yes

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh

disk=$(disk spare) || exit
virtio=$(virtio_of "$disk")
device=$(readlink -f "/sys/block/$disk/device")
driver=$(readlink -f "$device/driver")
mountpoint -q /sys/kernel/debug || mount -t debugfs debugfs /sys/kernel/debug
for fault in failslab fail_page_alloc; do
	[ -d /sys/kernel/debug/$fault ] || fail "this kernel makes no failures"
	echo N >/sys/kernel/debug/$fault/ignore-gfp-wait
	echo 0 >/sys/kernel/debug/$fault/verbose
done
echo 0 >/sys/kernel/debug/fail_page_alloc/min-order

# name: prints the name of the disk, which may have no serial number when memory is short.
name() {
	for block in "$device"/block/*; do
		[ ! -e "$block" ] || echo "${block##*/}"
	done
}

# quietly COMMAND...: runs it with the kernel's log kept off the console. What the kernel itself says of
# allocations that fail would count as a complaint there, and so would its warning of each file of an interrupt
# that is missing when the interrupt goes, which it does not look at when it makes them. All other complaints are
# collected each time, as the log has no room for so many messages.
quietly() {
	cp /proc/sys/kernel/printk /tmp/printk
	echo 1 >/proc/sys/kernel/printk
	"$@"
	cat /tmp/printk >/proc/sys/kernel/printk
	dmesg -c | grep -E 'WARNING: |BUG: |INFO: task |Oops|protection fault' | grep -v 'remove_proc_entry+' >>/tmp/complaints
}

# bind N: binds the driver, with the Nth allocation failing; prints whether there were so many.
bind() {
	sh -c "echo $1 >/proc/self/fail-nth
		echo $virtio >$driver/bind
		read -r left </proc/self/fail-nth
		echo 0 >/proc/self/fail-nth
		[ \$left -ne 0 ] || echo injected" 2>/dev/null
}

unbind() {
	echo "$virtio" >"$driver/unbind"
}

nth=1 tried=0 refused=0
quietly unbind
while [ "$(quietly bind $nth)" = injected ]; do
	tried=$((tried + 1))
	if [ -n "$(name)" ]; then
		udevadm settle
		read_block "$(name)" 100 || fail "the disk does not work when allocation $nth has failed"
	else
		refused=$((refused + 1))
	fi
	[ ! -e "$device/driver" ] || quietly unbind
	# All of the first ones, which are the driver's, and fewer later.
	nth=$((nth + 1 + nth / 25))
done
echo "$tried of $nth allocations have failed, and the driver was not bound for $refused of them"
[ $tried -ge 50 ] || fail "only $tried allocations have failed"
[ $refused -ge 20 ] || fail "the driver was bound without $((tried - refused)) of $tried allocations"
[ -n "$(name)" ] || echo "$virtio" >"$driver/bind"
sh lib/verify.sh "/dev/$(disk spare)"
[ ! -s /tmp/complaints ] || fail "the kernel complains: $(cat /tmp/complaints)"
