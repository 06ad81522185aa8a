#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Each offload that was negotiated can be switched while data is sent and received, which arrives
# unchanged; what cannot be switched is shown as fixed.
#
# covers: NET-20 NET-22 NET-26 NET-39
# vm: @net
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

link_up
# state FEATURE: prints on or off, and whether that is fixed.
state() {
	ethtool -k "$near" | sed -n "s/^[[:space:]]*$1: //p"
}

offloads="tx-checksum-ip-generic tx-scatter-gather tx-tcp-segmentation tx-tcp6-segmentation"
offloads="$offloads tx-tcp-ecn-segmentation tx-udp-segmentation tx-udp_tnl-segmentation"
offloads="$offloads tx-udp_tnl-csum-segmentation generic-receive-offload generic-segmentation-offload"
has=
for offload in $offloads; do
	case $(state $offload) in
	on) has="$has $offload" ;;
	# A hub instead of taps knows of no offloads.
	*) echo "$offload is not there" ;;
	esac
done
# Received frames are merged by the device, which a command switches.
virtio=$(basename /sys/bus/pci/devices/$NEAR_BDF/*virtio[0-9]*)
if [ "$(feature "$virtio" 7)" = 1 ]; then
	if [ "$(feature "$virtio" 2)" = 1 ]; then
		expect rx-gro-hw "$(state rx-gro-hw)" on
		has="$has rx-gro-hw"
	else
		expect rx-gro-hw "$(state rx-gro-hw)" "on [fixed]"
	fi
fi

net load 45 >/tmp/load 2>&1 &
load=$!
round=0
while [ $round -lt 3 ]; do
	for switch in off on; do
		for offload in $has; do
			ethtool -K "$near" $offload $switch 2>/dev/null || fail "$offload cannot be switched $switch"
		done
	done
	round=$((round + 1))
done
for offload in $has; do
	expect "$offload" "$(state $offload)" on
done
wait $load || fail "$(cat /tmp/load)"
nothing_lost
link_down
