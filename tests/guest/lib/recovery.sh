# SPDX-License-Identifier: GPL-2.0
#
# What tests of recovery share. Sourced by them.

# counter DISK NAME: prints a counter of its device, which for a unit of a SCSI host is that of the host.
counter() {
	path=$(readlink -f "/sys/block/$1/device")
	cat "${path%/host*}/recovery/$2"
}

# counters DISK: prints all of them.
counters() {
	path=$(readlink -f "/sys/block/$1/device")
	grep -H . "${path%/host*}/recovery/"* | sed 's/.*recovery.//' | tr '\n' ' '
}

# expect_counters DISK NAME=VALUE...: fails unless these counters have these values, and the others 0.
expect_counters() {
	counted=$1
	shift
	for name in resets timeouts lost_interrupts lost_notifications requeues leaked_bytes; do
		value=0
		for pair in "$@"; do
			[ "${pair%=*}" != $name ] || value=${pair#*=}
		done
		expect "$name of $counted" "$(counter "$counted" $name)" "$value"
	done
}

# in_flight DISK: whether requests are.
in_flight() {
	[ "$(awk '{ print $1 + $2 }' "/sys/block/$1/inflight")" -gt 0 ]
}

# seconds_of COMMAND...: runs it, and sets $took to the seconds that it took.
seconds_of() {
	began=$(date +%s)
	"$@"
	status=$?
	took=$(($(date +%s) - began))
	return $status
}

# read_block DISK NUMBER: reads a block of 4 KiB from the device, whatever is cached.
read_block() {
	dd if="/dev/$1" of=/dev/null bs=4k count=1 skip="$2" iflag=direct status=none
}
