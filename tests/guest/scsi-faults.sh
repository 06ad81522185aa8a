#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A command that a SCSI host does not answer is looked for, then aborted, then ended by resets of its unit, its
# target or the device, whatever the host says about that; and one that it answers wrongly ends. The units are
# those that they were.
#
# covers: SCSI-D2 SCSI-D3
# vm: @own-scsi
# timeout: 240
# full: yes

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

# Functions of task management as a set: abort; that and reset of a unit; that and reset of the target.
ABORT=0x01 UNIT=0x21 TARGET=0x31

# told WANTED LINE...: has the host do that, and the block read, which has to work or fail.
told() {
	wanted=$1
	shift
	tell "$bdf" "$@" >/dev/null
	seconds_of dd if="/dev/$disk" of="/tmp/own.$bdf" bs=4k count=1 skip=1000 iflag=direct status=none 2>/dev/null &&
		result=works || result=fails
	tell "$bdf" honest >/dev/null
	echo "$name: $*: $result in $took s"
	[ "$took" -le $BOUND ] || fail "$*: the command took $took s"
	expect "$*: what becomes of the command" $result "$wanted"
	[ $result = fails ] || cmp -s "/tmp/own.$bdf" /tmp/own.data || fail "$*: it has read something else"
}

# steps: how often the host was asked to abort a command, to reset a unit, and a target; resets of the device.
steps() {
	echo "$(counted "$bdf" aborts) $(counted "$bdf" unit-resets) $(counted "$bdf" target-resets) $(counter "$disk" resets)"
}

# late STEPS LINE...: the same with a command that is late, which has to work after these steps.
late() {
	steps=$1
	shift
	before=$(steps)
	told works "$@"
	expect "$*: the steps" "$(echo "$before $(steps)" | awk '{ print $5 - $1, $6 - $2, $7 - $3, $8 - $4 }')" "$steps"
}

ladder() {
	echo 1 >"/sys/block/$disk/device/timeout"
	late "0 0 0 0" silent
	late "0 0 0 0" "deaf 1"
	expect "lost interrupts" "$(counter "$disk" lost_interrupts)" 1
	expect "lost notifications" "$(counter "$disk" lost_notifications)" 1
	late "1 0 0 0" lose
	late "1 1 0 0" lose "not-done $ABORT" "answer 9"
	late "1 1 1 0" lose "not-done $UNIT" "answer 9"
	late "1 1 1 1" lose "not-done $TARGET" "answer 9"
	# It says that it was done.
	late "1 1 1 1" lose "not-done $TARGET" "answer 0"
}

mute() {
	echo 1 >"/sys/block/$disk/device/timeout"
	late "0 0 0 1" lose "answer 255"
}

responses() {
	# Once, which is repeated.
	for line in "sense 0x062900" "sense 0x0b0000" no-status "status 0x55" "status 1" "status 4" "status 5" "status 6" \
		"status 9" "target-status 0x77" "target-status 2" "target-status 8" "target-status 0x28" \
		"residual 0xffffffff" "residual 1" "sense-len 0xffffffff" "length 0" "length 0xffffffff"; do
		told works "$line"
	done
	told fails "times 50 status 0x55"
	told fails "times 50 target-status 0x77"
	told fails "times 50 target-status 2"
	told fails "times 50 residual 0xffffffff"
	told fails "times 50 sense 0x052400" "times 50 sense-len 0xffffffff"
	told fails "times 50 sense 0x031100"
	for code in 2 3 7 8; do
		told fails "times 50 status $code"
	done
	# Its list of units.
	for how in 0 1 2; do
		tell "$bdf" "list $how" >/dev/null
		seconds_of sh -c "echo '- - -' >/sys/class/scsi_host/host$(host_of "$disk")/scan"
		[ "$took" -le $BOUND ] || fail "a list of units took $took s"
		tell "$bdf" honest >/dev/null
	done
}

# Three: with more resets in a minute the device is given up.
ring() {
	echo 1 >"/sys/block/$disk/device/timeout"
	for line in "id 77" "skip 1" "at 1 needs-reset"; do
		before=$(counter "$disk" resets)
		told works "$line"
		# Nobody may have noticed yet what is wrong after the command.
		read_block "$disk" 1000 || fail "$line: the next command fails"
		[ "$(counter "$disk" resets)" -gt "$before" ] || fail "$line: the device was not reset"
	done
}

# faults BDF INDEX
faults() {
	bdf=$1
	case $2 in
	0) name=h-split kinds="ladder" ;;
	1) name=h-packed kinds="responses ring" ;;
	2) name=h-order kinds="mute" ;;
	esac
	disk=$(unit ${name}0) || exit
	units=$(units_of "$disk")
	for kind in $kinds; do
		$kind
	done
	# The kernel looks for units after a reset.
	udevadm settle --timeout=60
	expect "the units" "$(units_of "$disk")" "$units"
	echo 30 >"/sys/block/$disk/device/timeout"
	sh lib/verify.sh "/dev/$disk" || fail "the unit does not hold what was written"
	expect "leaked bytes" "$(counter "$disk" leaked_bytes)" 0
	expect_no_findings "$bdf"
}

head -c 4096 /dev/urandom >/tmp/own.data
functions=
for name in h-split h-packed h-order; do
	disk=$(unit ${name}0) || exit
	dd if=/tmp/own.data of="/dev/$disk" bs=4k count=1 seek=1000 oflag=direct status=none
	functions="$functions $(function_of "$disk")"
done
# shellcheck disable=SC2086 # several words
at_once faults $functions
