#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# When a network device is wrong about frames that are sent or received, about commands or itself, what waits for it
# ends within a bound; frames go on, or do so after a reset, or once an administrator has started the device again;
# then it knows all that was set; and its driver can be taken away and given back.
#
# covers: INIT-04 NET-D2 NET-D3 NET-D4
# vm: @own-net
# timeout: 400
# full: yes

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh
. /host/guest/lib/net.sh
. /host/guest/lib/own-net.sh

# What is told to the device, and what becomes of it:
# works: frames go on, and commands, without a reset.
# may: frames go on, whether or not the device has to be reset.
# recovers: frames go on, and commands, after a reset.
# dead: after it was started again.
# gone: after the driver was bound anew.
faults() {
	cat <<-END
		works length 0xffffffff;report length 5;report at 2 buffers 65535;report at 3 header 0xffffffffffffffff;churn;link 1
		works control status 1
		recovers id 200
		dead withhold 32;needs-reset
		may control lose
		gone at 1 vanish
	END
}

# fault BDF NUMBER: has the device do all that is wrong, one after the other.
fault() {
	prepare "$1" "$2"
	faults >"/tmp/faults.$number"
	while read -r outcome lines <&8; do
		case $name,$lines in
		# It has no such queue.
		plain,control*) ;;
		*) one ;;
		esac
	done 8<"/tmp/faults.$number"
	leave
}

# one: does what $lines say, of which the outcome is $outcome.
one() {
	told="$name, $lines"
	resets=$(recovery resets) timeouts=$(recovery timeouts)
	# shellcheck disable=SC2086 # several lines
	answer=$(IFS=';' && tell "$bdf" "count faults" $lines) || exit
	before=${answer%%[!0-9]*}
	# The first one may be refused by a device that has done it, and that passes no frames then.
	case $lines in *control*) command_ends && command_ends ;; esac
	case $outcome in
	works | may) seconds_of within $BOUND answers_here || fail "$told: it does not answer for $took s" ;;
	recovers) seconds_of within $BOUND recovers || fail "$told: it is not reset and does not answer for $took s" ;;
	*) seconds_of ping -q -c 3 -i 0.2 -W 1 $far >/dev/null 2>&1 ;;
	esac
	echo "$told: $outcome in $took s, $(($(recovery resets) - resets)) resets"
	command_ends
	case $outcome in
	# A machine that does not get to send anything for long is not the driver's fault.
	works) [ "$(recovery timeouts)" -gt $((timeouts + 1)) ] || expect "$told: resets" "$(recovery resets)" "$resets" ;;
	dead | gone) refuse answers_here ;;
	esac
	[ "$outcome" != gone ] || unbind "$bdf"
	answer=$(tell "$bdf" "count faults" honest) || exit
	wrong=$((${answer%%[!0-9]*} - before))
	[ $wrong -ge "$(echo "$lines" | tr ';' '\n' | wc -l)" ] || fail "$told: only $wrong things were wrong"
	case $outcome in
	gone)
		bind "$bdf"
		prepare "$bdf" "$number"
		return
		;;
	dead) start_again || fail "$told: it was not started again" ;;
	esac
	case $outcome in
	works | recovers | dead)
		within $BOUND answers_here || fail "$told: it does not answer when it is honest"
		within $BOUND send_command || fail "$told: it takes no commands when it is honest"
		within $BOUND is_set || fail "$told: the device has $(has_set), not $(should_have)"
		;;
	esac
	# It may be without a queue for commands.
	[ "$outcome" != may ] || bind_net
}

# recovers: whether it was reset, and answers.
recovers() {
	answers_here
	[ "$(recovery resets)" -gt "$resets" ] && answers_here
}

command_ends() {
	seconds_of send_command
	[ "$took" -le $BOUND ] || fail "$told: a command took $took s"
}

# The others are in net-random.
OWN_NETS="split packed-in-order plain"
functions=$(own_nets) || exit
# shellcheck disable=SC2086 # several words
at_once fault $functions
