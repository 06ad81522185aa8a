#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whatever a device does wrong, a request ends within a bound, with the data or with an error; the device
# works again after that; and its driver can be taken away and given back.
#
# covers: INIT-04 INIT-12 INIT-22 INIT-24 RING-S-16 RING-S-17 RING-S-18
# vm: @own-faults
# cases: delay silent deaf length-0 length-huge no-data storm capacity-huge churn
# cases: late lose stall-9s id-huge id-free twice skip-1 skip-300 scribble needs-reset needs-reset-idle drop
# cases: drop-idle keep-reset-2s write-lose write-needs-reset
# cases: lose-3 lose-all stall status-9 no-status beyond capacity-0 keep-reset refuse withhold needs-reset-all
# cases: vanish vanish-idle
# timeout: 400

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

# What is told to the disk; what becomes of a request: it works, recovers (with a reset), or fails; and
# whether the device is dead then, until an administrator or the driver starts it.
operation=read lines=$1 counters= dead= timeout=
case $1 in
delay) lines="delay 500" outcome=works ;;
silent) outcome=works timeout=4000 counters=lost_interrupts=1 ;;
deaf) lines="deaf 1" outcome=works timeout=4000 counters="timeouts=1 lost_notifications=1" ;;
length-0) lines="times 3 length 0" outcome=works ;;
length-huge) lines="times 3 length 0xffffffff" outcome=works ;;
# It says so; that a device which lies about it is believed is how virtio is.
no-data) lines="no-data;length 1" outcome=works ;;
storm) lines="storm 1000" outcome=works ;;
capacity-huge) lines="capacity 0xffffffffffffffff" outcome=works ;;
churn) lines="churn;capacity 16384" outcome=works ;;

# Slow, which is no lost notification.
late) lines="delay 5000" outcome=works timeout=4000 ;;
lose) outcome=recovers counters="timeouts=1 resets=1 requeues=1" ;;
stall-9s) lines="stall 9000" outcome=recovers ;;
id-huge) lines="id 0x10000" outcome=recovers ;;
id-free) lines="id 77" outcome=recovers ;;
twice) outcome=recovers ;;
skip-*) lines="skip ${1#skip-}" outcome=recovers ;;
scribble) lines="at 1 scribble" outcome=recovers ;;
needs-reset | drop) lines="at 1 $1" outcome=recovers ;;
needs-reset-idle | drop-idle) lines=${1%-idle} outcome=recovers ;;
keep-reset-2s) lines="keep-reset 2000;lose" outcome=recovers ;;
write-lose) operation=write lines=lose outcome=recovers ;;
write-needs-reset) operation=write lines="at 1 needs-reset" outcome=recovers ;;

lose-3) lines="times 3 lose" outcome=fails ;;
lose-all) lines="times 1000 lose" outcome=fails dead=later ;;
stall) outcome=fails dead=later ;;
status-9) lines="status 9" outcome=fails ;;
no-status) outcome=fails ;;
beyond) lines="beyond;status 1" outcome=fails ;;
capacity-0) lines="capacity 0" outcome=fails ;;
keep-reset) lines="keep-reset;lose" outcome=fails dead=now ;;
refuse) lines="refuse 1;at 1 needs-reset" outcome=fails dead=now ;;
withhold) lines="withhold 28;at 1 needs-reset" outcome=fails dead=now ;;
needs-reset-all) lines="at 1 times 1000 needs-reset" outcome=fails dead=now ;;
vanish) lines="at 1 vanish" outcome=fails dead=gone ;;
vanish-idle) lines=vanish outcome=fails dead=gone ;;
esac
[ $outcome = works ] || timeout=3000

# transfer: reads or writes the block.
transfer() {
	if [ $operation = read ]; then
		dd if="/dev/$disk" of=/tmp/own.$bdf bs=4k count=1 skip=1000 iflag=direct status=none 2>/dev/null
	else
		dd if=/tmp/own.data of="/dev/$disk" bs=4k count=1 seek=1000 oflag=direct status=none 2>/dev/null
	fi
}

# same: whether the block is what was written.
same() {
	dd if="/dev/$disk" bs=4k count=1 skip=1000 iflag=direct status=none 2>/dev/null | cmp -s - /tmp/own.data
}

# fault BDF: has the disk do it.
fault() {
	bdf=$1
	disk=$(own_disk "$bdf")
	[ -z "$timeout" ] || echo $timeout >"/sys/block/$disk/queue/io_timeout"
	echo "$lines" | tr ';' '\n' | while read -r line; do
		tell "$bdf" "$line" >/dev/null
	done || exit
	seconds_of transfer && result=works || result=fails
	[ "$took" -le $BOUND ] || fail "the request took $took s"
	echo "$bdf: $result in $took s, $(counters "$disk")"
	# Until it was looked at nobody has noticed what is wrong after the request.
	[ $result = fails ] || [ $operation = write ] || cmp -s /tmp/own.$bdf /tmp/own.data || fail "it has read something else"
	if [ $outcome = recovers ]; then
		expect "what becomes of the request" $result works
		same || fail "it cannot be read again, or holds something else"
		[ "$(counter "$disk" resets)" -ge 1 ] || fail "the device was not reset"
	else
		expect "what becomes of the request" $result $outcome
		[ $outcome = fails ] || expect "resets" "$(counter "$disk" resets)" 0
	fi
	# shellcheck disable=SC2086 # several words
	[ -z "$counters" ] || expect_counters "$disk" $counters
	if [ "$dead" = later ]; then
		transfer && fail "the second request works"
	fi
	[ -z "$dead" ] || refuse same
	# The driver can be taken away from what does not answer.
	[ "$dead" != gone ] || unbind "$bdf"
	tell "$bdf" honest >/dev/null
	case $dead in
	now | later) echo 1 >"/sys/block/$disk/device/recover" || fail "the device was not started again" ;;
	esac
	[ "$dead" = gone ] || same || fail "it cannot be read when nothing is wrong any more, or holds something else"
	bind_anew "$bdf"
	disk=$(own_disk "$bdf")
	same || fail "it cannot be read after the driver was bound anew, or holds something else"
	expect_no_findings "$bdf"
}

head -c 4096 /dev/urandom >/tmp/own.data
functions=$(own_functions) || exit
for function in $functions; do
	disk=$(own_disk "$function")
	dd if=/tmp/own.data of="/dev/$disk" bs=4k count=1 seek=1000 oflag=direct status=none
done
# shellcheck disable=SC2086 # several words
at_once fault $functions
