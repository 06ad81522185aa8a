#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The parameters of rvirtio_net say what is left to the device at first, and how much a poll receives; what
# ethtool counts is what was done.
#
# vm: @net
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

# insert PARAMETER...: with these parameters, in place of what is there.
insert() {
	within 10 rmmod rvirtio_net 2>/dev/null || fail "rvirtio_net cannot be removed"
	modprobe rvirtio_net "$@" || fail "modprobe rvirtio_net $* failed"
	near=$(interface $NEAR_BDF) || exit
}

# is FEATURE STATE: whether ethtool shows it.
is() {
	ethtool -k "$near" | grep -q "^[[:space:]]*$1: $2\$" || fail "$1 is not $2 with $parameters"
}

# works_with PARAMETER...: and what they have switched off can be switched on.
works_with() {
	parameters=$*
	insert "$@"
	link_up
	net payload >/dev/null || fail "payload with $*"
}

works_with csum=0
is tx-checksum-ip-generic off
is tx-tcp-segmentation off
ethtool -K "$near" sg on tx on tso on
is tx-checksum-ip-generic on
is tx-tcp-segmentation on
link_down

works_with gso=0 napi_weight=1
is tx-checksum-ip-generic on
is tx-tcp-segmentation off
ethtool -K "$near" tso on
is tx-tcp-segmentation on
link_down

works_with
is tx-checksum-ip-generic on
is tx-tcp-segmentation on

# statistic NAME: prints what ethtool counts.
statistic() {
	ethtool -S "$near" | sed -n "s/^[[:space:]]*$1: //p"
}
for name in rx_drops rx_kicks tx_kicks tx_tx_timeouts rx0_drops rx0_kicks tx0_kicks tx0_tx_timeouts; do
	[ -n "$(statistic $name)" ] || fail "ethtool does not count $name"
done
[ "$(statistic tx_kicks)" -gt 0 ] && [ "$(statistic rx_kicks)" -gt 0 ] || fail "the device was told of nothing: $(ethtool -S "$near")"
expect "kicks of the only queue" "$(statistic tx0_kicks)" "$(statistic tx_kicks)"
expect "frames dropped" "$(statistic rx_drops)" 0
expect "timeouts" "$(statistic tx_tx_timeouts)" 0
link_down
