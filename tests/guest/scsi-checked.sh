#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# On a kernel that watches memory, locks and DMA, a SCSI host loses commands and needs each step of the error
# handler, units are reset, come and go, processors too, its driver is unbound and unloaded, and allocations fail,
# all while it is in use; it works afterwards, and no memory is lost.
#
# covers: SCSI-D2
# vm: @rings --kernel debug
# timeout: 600
# full: yes

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

# Events: unit 2 went, and came; functions of task management: all of them.
WENT=0x0200000200000001 CAME=0x0200000100000001
ALL=0x31

# busy: from now on a unit is read, whatever becomes of that.
busy() {
	disk=$(unit h0) || exit
	fio --name=load --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randread \
		--bsrange=512-64k --iodepth=16 --time_based --runtime=600 --continue_on_error=all >/tmp/load.out 2>&1 &
	load=$!
	before=$(reads)
	within $BOUND goes_on || fail "there is no load: $(cat /tmp/load.out)"
}

# reads: prints how many have ended.
reads() {
	awk '{ print $1 }' "/sys/block/$disk/stat"
}

# Others read the beginning of a disk that is new.
goes_on() {
	[ "$(reads)" -gt $((before + 200)) ]
}

ended() {
	! kill -0 "$1" 2>/dev/null
}

calm() {
	kill $load 2>/dev/null
	within $BOUND ended $load || fail "the load does not end"
}

# works WHEN: fails unless a unit holds what is written to it.
works() {
	disk=$(unit h0) || exit
	fio --name=works --filename="/dev/$disk" --allow_file_create=0 --direct=1 --ioengine=io_uring --rw=randwrite \
		--bsrange=512-64k --blockalign=512 --iodepth=16 --size=2M --verify=crc32c --verify_fatal=1 >/tmp/works.out 2>&1 ||
		fail "the unit does not work after $1: $(cat /tmp/works.out)"
}

# counts NUMBER WORD: whether the host has seen that so often.
counts() {
	[ "$(counted "$bdf" "$2")" -ge "$1" ]
}

was_reset() {
	[ "$(counter "$disk" resets)" -gt 0 ]
}

disk=$(unit h0) || exit
bdf=$(function_of "$disk")
busy
echo 1 >"/sys/block/$disk/device/timeout"
tell "$bdf" "times 2 lose" >/dev/null
within $BOUND counts 2 aborts || fail "of two commands that were lost $(counted "$bdf" aborts) were aborted"
tell "$bdf" lose "not-done $ALL" "answer 9" >/dev/null
within $BOUND was_reset || fail "a command that cannot be aborted was not ended"
tell "$bdf" honest >/dev/null
counts 1 unit-resets || fail "no unit was reset"
counts 1 target-resets || fail "no target was reset"
echo 30 >"/sys/block/$disk/device/timeout"
for round in 1 2; do
	sg_reset -N -d "/dev/$disk" || fail "the unit cannot be reset"
	spare=$(unit h2) || exit
	dd if="/dev/$spare" of=/dev/null bs=64k iflag=direct status=none 2>/dev/null &
	tell "$bdf" "hide 2" "event $WENT" >/dev/null
	within 20 no_unit h2 || fail "a unit that went is there: $(lsscsi)"
	within $BOUND ended $! || fail "I/O to a unit that went does not end"
	tell "$bdf" "show 2" "event $CAME" >/dev/null
done
unit h2 >/dev/null || exit
for cpu in 1 2; do
	echo 0 >/sys/devices/system/cpu/cpu$cpu/online || fail "cpu$cpu cannot be switched off"
done
for cpu in 2 1; do
	echo 1 >/sys/devices/system/cpu/cpu$cpu/online || fail "cpu$cpu cannot be switched on"
done
calm
works "resets"

for round in 1 2; do
	busy
	unbind "$bdf"
	calm
	bind "$bdf"
done
works "unbind"

# Allocations that cannot sleep fail, as those of a queue do; others would meet the whole guest.
faults=/sys/kernel/debug
mountpoint -q $faults || mount -t debugfs debugfs $faults
busy
for fault in failslab fail_page_alloc; do
	[ -d $faults/$fault ] || fail "this kernel makes no failures"
	echo N >$faults/$fault/task-filter
	echo 0 >$faults/$fault/verbose
	echo -1 >$faults/$fault/times
	echo Y >$faults/$fault/ignore-gfp-wait
	echo 1 >$faults/$fault/interval
	[ ! -e $faults/$fault/min-order ] || echo 0 >$faults/$fault/min-order
	echo 30 >$faults/$fault/probability
	sleep 2
	echo 0 >$faults/$fault/probability
done
calm
works "failed allocations"

# udev may have one of its disks open.
within 20 rmmod rvirtio_scsi 2>/tmp/error || fail "the module cannot be unloaded: $(cat /tmp/error)"
modprobe rvirtio_scsi || fail "the module cannot be loaded"
works "unloading"
expect_no_findings "$bdf"

# Two scans: what is only in a register or on a stack during one of them counts as lost.
echo scan >$faults/kmemleak || fail "this kernel does not look for leaks"
sleep 6
echo scan >$faults/kmemleak
leaks=$(cat $faults/kmemleak)
case $leaks in
*rvirtio* | *scsi_host*) fail "memory was lost: $leaks" ;;
esac
