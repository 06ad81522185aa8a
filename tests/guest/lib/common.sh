# SPDX-License-Identifier: GPL-2.0
#
# What tests in guests share. Sourced by them.

LIB=/host/guest/lib

# The test's own output, wherever that of a command goes.
exec 3>&1

# fail TEXT...: ends the test as failed. In $(...) it ends only that: write `x=$(disk a) || exit`.
fail() {
	echo "FAIL: $*" >&3
	exit 1
}

# skip TEXT...: ends the test as skipped.
skip() {
	echo "$*"
	exit 77
}

# expect WHAT FOUND WANTED: fails unless both are the same.
expect() {
	[ "$2" = "$3" ] || fail "$1 is '$2', not '$3'"
}

# refuse COMMAND...: fails when the command succeeds.
refuse() {
	if "$@"; then
		fail "succeeded, but must not: $*"
	fi
}

# within SECONDS COMMAND...: tries until it succeeds; fails when it does not in that time.
within() {
	end=$(($(date +%s) + $1))
	shift
	until "$@"; do
		[ "$(date +%s)" -lt $end ] || return 1
		sleep 0.1
	done
}

# find_disk SERIAL: prints the name of the disk, for example vdb.
find_disk() {
	for file in /sys/block/*/serial; do
		name=${file%/serial}
		name=${name##*/}
		# A device has attributes before it has a node, and fio would make a file in its place.
		if [ "$(cat "$file" 2>/dev/null)" = "$1" ] && [ -b "/dev/$name" ]; then
			echo "$name"
			return
		fi
	done
	return 1
}

# has_disk SERIAL: whether it is there.
has_disk() {
	find_disk "$1" >/dev/null
}

# no_disk SERIAL: whether it is not there.
no_disk() {
	! grep -qsx "$1" /sys/block/*/serial
}

# disk SERIAL: prints the name of the disk, which has to be there within 15 s.
disk() {
	within 15 has_disk "$1" || fail "no disk has the serial number $1 (disks: $(ls /sys/block | tr '\n' ' '))"
	find_disk "$1"
}

# modules: prints the inserted modules of this project in an order in which they can be removed.
modules() {
	for module in /sys/module/rvirtio/holders/*; do
		[ ! -e "$module" ] || [ "${module##*/}" = rvirtio_pci ] || echo "${module##*/}"
	done
	for module in rvirtio_pci rvirtio; do
		[ ! -e /sys/module/$module ] || echo $module
	done
}

# virtio_of DISK: prints its virtio device, for example virtio3.
virtio_of() {
	basename "$(readlink -f "/sys/block/$1/device")"
}

# bdf_of DISK: prints the address of its PCI device.
bdf_of() {
	basename "$(dirname "$(readlink -f "/sys/block/$1/device")")"
}

# driver_of DISK: prints the virtio driver that it belongs to.
driver_of() {
	basename "$(readlink -f "/sys/block/$1/device/driver")"
}

# feature VIRTIO BIT: prints 1 when the bit is negotiated, else 0.
feature() {
	cut -c $(($2 + 1)) /sys/bus/*virtio/devices/"$1"/features
}

# bound BDF DRIVER: whether the PCI device has this driver.
bound() {
	[ "$(basename "$(readlink -f "/sys/bus/pci/devices/$1/driver")")" = "$2" ]
}

# kernel_log: what the kernel logged since the test began (or since forget_log).
kernel_log() {
	dmesg | sed "1,$log_lines d"
}

forget_log() {
	log_lines=$(dmesg | wc -l)
}

# logged PATTERN: whether the kernel has logged a line that matches the extended expression.
logged() {
	kernel_log | grep -Eq "$1"
}

# qmp COMMAND [ARGUMENTS]: has QEMU do something to this guest, prints the answer. ARGUMENTS is JSON.
qmp() {
	python3 $LIB/qmp.py "$@" || fail "QEMU refused: $*"
}

forget_log
