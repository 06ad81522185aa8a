#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs the phases of a measurement in the guest, as /host/plan lists them, and prints their results.

set -eu
PCI=/sys/bus/pci/devices
RESULTS=/tmp/results

fail() {
	echo "bench: $*" >&2
	exit 1
}

# take_over BDF [MODULE]: gives the device to rvirtio. Its disks get names of their own beside C's.
take_over() {
	for module in rvirtio rvirtio_pci ${2-}; do
		[ -d /sys/module/$module ] || insmod /host/modules/$module.ko
	done
	[ -n "${2-}" ] || [ -d /sys/module/rvirtio_blk ] || insmod /host/modules/rvirtio_blk.ko name_prefix=rvd
	device=/sys/bus/pci/devices/$1
	[ ! -e "$device/driver" ] || echo "$1" >"$device/driver/unbind"
	echo rvirtio_pci >"$device/driver_override"
	echo "$1" >/sys/bus/pci/drivers_probe
}

# disk_of BDF: prints the disk's device; it may take a moment to appear.
disk_of() {
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		for disk in /sys/block/*; do
			case $(readlink -f "$disk") in
			*/"$1"/*) echo "/dev/${disk##*/}" && return ;;
			esac
		done
		sleep 0.5
	done
	fail "no disk appeared on $1"
}

# expect_driver BDF DRIVER: a number of one driver must never be taken for another's.
expect_driver() {
	driver=$(basename "$(readlink "$PCI/$1/driver")") || fail "$1 has no driver"
	[ "$driver" = "$2" ] || fail "$1 is driven by $driver, not by $2"
}

# interrupts PATTERN: prints the interrupts so far of the lines of /proc/interrupts that contain it.
interrupts() {
	awk -v pattern="$1" 'NR == 1 { cpus = NF; next }
		index($0, pattern) { for (cpu = 2; cpu <= cpus + 1; cpu++) sum += $cpu }
		END { printf "%d\n", sum }' /proc/interrupts
}

# run DISK OPTION...: fio, its report in /tmp/fio.json.
run() {
	disk=$1
	shift
	fio --name=bench --filename="$disk" --direct=1 "$@" --output-format=json --output=/tmp/fio.json >&2 ||
		fail "fio $* on $disk failed"
}

# warm_up DISK OPTION...: the same without a result: code and data are loaded, pages are allocated.
warm_up() {
	run "$@"
}

phases=0

# phase DISK PATTERN OPTION...: one run and its result.
phase() {
	target=$1 pattern=$2
	shift 2
	before=$(interrupts "$pattern")
	run "$target" "$@"
	after=$(interrupts "$pattern")
	marker
	echo "phase $phases $((after - before))" >>$RESULTS
	cat /tmp/fio.json >>$RESULTS
	echo 'end' >>$RESULTS
	phases=$((phases + 1))
}

# interface_of BDF: prints the name of its network interface, once udev has renamed it.
interface_of() {
	for try in 1 2 3 4 5 6 7 8 9 10; do
		udevadm settle
		for interface in "$PCI/$1"/net/* "$PCI/$1"/*virtio*/net/*; do
			[ -e "$interface" ] && echo "${interface##*/}" && return
		done
		sleep 0.5
	done
	fail "no network interface appeared on $1"
}

# interface_up INTERFACE ADDRESS: an address there, and wait for the link.
interface_up() {
	ip link set "$1" up
	ip address add "$2" dev "$1"
	for try in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
		[ "$(cat "/sys/class/net/$1/carrier" 2>/dev/null)" = 1 ] && return
		sleep 0.5
	done
	fail "$1 has no link"
}

# warm_up_traffic COMMAND...: network traffic without a result.
warm_up_traffic() {
	"$@" >/tmp/traffic 2>&1 || fail "$* failed: $(cat /tmp/traffic)"
}

# packets INTERFACE DIRECTION: prints how many there were, tx or rx.
packets() {
	cat "/sys/class/net/$1/statistics/$2_packets"
}

# traffic INTERFACE PATTERN COMMAND...: network traffic and its result.
traffic() {
	interface=$1 pattern=$2
	shift 2
	before=$(interrupts "$pattern")
	sent=$(packets "$interface" tx) received=$(packets "$interface" rx)
	warm_up_traffic "$@"
	after=$(interrupts "$pattern")
	sent=$(($(packets "$interface" tx) - sent)) received=$(($(packets "$interface" rx) - received))
	marker
	echo "phase $phases $((after - before)) $sent $received" >>$RESULTS
	cat /tmp/traffic >>$RESULTS
	echo 'end' >>$RESULTS
	phases=$((phases + 1))
}

# marker: tells the plugin, when there is one, that a phase ended.
marker() {
	[ ! -x /host/marker ] || /host/marker
}

# bind_time BDF DRIVER: how long it takes to bind the driver, and until the disk's first block is read, in ns.
bind_time() {
	echo "$1" >"/sys/bus/pci/drivers/$2/unbind"
	before=$(date +%s%N)
	echo "$1" >"/sys/bus/pci/drivers/$2/bind"
	bound=$(date +%s%N)
	dd if="$(disk_of "$1")" of=/dev/null bs=4k count=1 iflag=direct 2>/dev/null
	after=$(date +%s%N)
	echo "probe $2 $((bound - before))" >>$RESULTS
	echo "bind $2 $((after - before))" >>$RESULTS
}

# free_memory: prints the KiB that are free, those that the allocator keeps for each CPU among them,
# when nothing is kept that is only cached.
free_memory() {
	udevadm settle
	for try in 1 2; do
		sync
		echo 3 >/proc/sys/vm/drop_caches
		sleep 0.5
	done
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
	awk '/^MemFree/ { kib += $2 }
		/^ +count:/ { kib += $2 * 4 }
		END { print kib }' /proc/meminfo /proc/zoneinfo
}

# bound_memory DRIVER QUEUES BDF...: how much memory the driver takes for disks of that many queues, in KiB.
bound_memory() {
	driver=$1 queues=$2
	shift 2
	before=$(free_memory)
	for bdf in "$@"; do
		echo "$bdf" >"/sys/bus/pci/drivers/$driver/bind"
	done
	for bdf in "$@"; do
		disk=$(disk_of "$bdf")
		found=$(ls "/sys/block/${disk#/dev/}/mq" | wc -l)
		[ "$found" = "$queues" ] || fail "$disk has $found queues instead of $queues"
	done
	after=$(free_memory)
	for bdf in "$@"; do
		echo "$bdf" >"/sys/bus/pci/drivers/$driver/unbind"
	done
	echo "memory $driver/$queues $((before - after))" >>$RESULTS
}

# module_sizes MODULE...: the memory that loaded modules take, in bytes.
module_sizes() {
	for module in "$@"; do
		echo "module $module $(cat "/sys/module/$module/coresize")" >>$RESULTS
	done
}

: >$RESULTS
# Nothing else shall use a disk: with a clean root no journal and no inode tables are written.
mount -o remount,ro /
. /host/plan
