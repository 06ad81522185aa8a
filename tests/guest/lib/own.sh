# SPDX-License-Identifier: GPL-2.0
#
# Disks of our own (Documentation/device.md). Sourced by their tests.

# Seconds in which everything has to end: that is short of the time-outs of the block layer and longer than
# what the driver takes when these are lowered.
BOUND=60
OWN_DRIVER=rvirtio_pci

# tell BDF LINE...: has a disk do something wrong, or answer; prints the answers.
tell() {
	python3 $LIB/own.py "$@" || fail "the disk did not understand"
}

# counted BDF WORD: prints how often the disk has seen that.
counted() {
	tell "$1" "count $2"
}

# expect_no_findings BDF...: fails if these disks have found that the driver did something wrong.
expect_no_findings() {
	for own in "$@"; do
		found=$(tell "$own" findings)
		[ -z "$found" ] || fail "the driver is at fault: $found"
	done
}

# own_disk BDF: prints the name of the disk, or of the first unit of a SCSI host. It asks none for its serial
# number, which is a request.
own_disk() {
	for own in "/sys/bus/pci/devices/$1"/*virtio*/block/* "/sys/bus/pci/devices/$1"/*virtio*/host*/target*/*:0/block/*; do
		[ ! -b "/dev/${own##*/}" ] || echo "${own##*/}"
	done
}

# has_own_disk BDF: whether it is there.
has_own_disk() {
	[ -n "$(own_disk "$1")" ]
}

# bind_anew BDF: takes the driver away from a function and gives it back; nothing of that may hang.
bind_anew() {
	[ ! -e "/sys/bus/pci/devices/$1/driver" ] || unbind "$1"
	udevadm settle --timeout=120
	bind "$1"
	within $BOUND has_own_disk "$1" || fail "no disk after the driver was bound anew"
	udevadm settle --timeout=120
}

# unbind BDF, bind BDF
unbind() {
	seconds_of sh -c "echo $1 >/sys/bus/pci/drivers/$OWN_DRIVER/unbind" || fail "unbind failed"
	[ "$took" -le $BOUND ] || fail "unbind took $took s"
}

bind() {
	seconds_of sh -c "echo $1 >/sys/bus/pci/drivers/$OWN_DRIVER/bind" || fail "bind failed"
	[ "$took" -le $BOUND ] || fail "bind took $took s"
}

# own_functions: prints the addresses of the disks of tests/vm/own-faults, or of the hosts of these units.
own_functions() {
	for serial in ${OWN_UNITS:-split packed split-in-order packed-in-order}; do
		if [ -n "$OWN_UNITS" ]; then
			own=$(unit "$serial") && function_of "$own" || exit
		else
			own=$(disk "$serial") && bdf_of "$own" || exit
		fi
	done
}

# patience DISK SECONDS: sets the time-out of its requests.
patience() {
	if [ -n "$OWN_UNITS" ]; then
		echo "$2" >"/sys/block/$1/device/timeout"
	else
		echo "$2"000 >"/sys/block/$1/queue/io_timeout"
	fi
}

# recover DISK: has its device started again, and a unit used again, if they were given up.
recover() {
	path=$(readlink -f "/sys/block/$1/device")
	echo 1 >"${path%/host*}/recover" || return
	if [ -n "$OWN_UNITS" ] && [ "$(cat "$path/state")" = offline ]; then
		echo running >"$path/state"
	fi
}

# at_once COMMAND BDF...: runs `COMMAND BDF INDEX` for all of them at the same time; fails if one fails.
at_once() {
	command=$1
	shift
	jobs=
	index=0
	# udev looks at what was written to, and those requests are not to be the ones that go wrong.
	udevadm settle --timeout=120
	for function in "$@"; do
		("$command" "$function" $index) &
		jobs="$jobs $!"
		index=$((index + 1))
	done
	failed=0
	for job in $jobs; do
		wait "$job" || failed=$((failed + 1))
	done
	[ $failed -eq 0 ] || fail "$failed of the devices"
}

# expect_flush BDF DISK: fails if writing what has to last does not flush the disk.
expect_flush() {
	flushes=$(counted "$1" flushes)
	dd if=/dev/urandom of="/dev/$2" bs=4k count=1 conv=fsync status=none
	[ "$(counted "$1" flushes)" -gt "$flushes" ] || fail "no flush has reached $2"
}

# reset_three_times BDF DISK: resets the function while data is written and verified.
reset_three_times() {
	starts=$(counted "$1" starts)
	sh lib/verify.sh "/dev/$2" &
	load=$!
	for _ in 1 2 3; do
		echo 1 >"/sys/bus/pci/devices/$1/reset" || fail "the function was not reset"
	done
	wait $load || fail "data is not what was written when the function is reset"
	[ "$(counted "$1" starts)" -ge $((starts + 3)) ] || fail "the device was not started again after each reset"
}
