#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface can belong to a bridge, or have another on top of it, while frames are as large as the
# devices pass them; forwarding switches nothing off.
#
# vm: @net
# cases: bridge macvlan
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

modprobe "$1" 2>/dev/null || skip "the kernel has no $1"
link_up
offloads=$(ethtool -k "$near" | grep -e gro-hw -e large-receive)
sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip address flush dev "$near"
ip netns add inner
case $1 in
bridge)
	modprobe veth || skip "the kernel has no veth"
	ip link add join type bridge forward_delay 0 mcast_snooping 0
	ip link set join up
	ip link set "$near" master join
	ip link add inside type veth peer name outside
	ip link set outside master join up
	;;
macvlan) ip link add inside link "$near" type macvlan mode private ;;
esac
ip link set inside netns inner
ip netns exec inner sh -c ". $LIB/common.sh; . $LIB/net.sh; up inside 2; ip link set lo up"

ip netns exec inner python3 $LIB/net.py payload || fail "payload"
ip netns exec inner python3 $LIB/net.py load 3 || fail "load"
expect "receive offloads" "$(ethtool -k "$near" | grep -e gro-hw -e large-receive)" "$offloads"

sysctl -q net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
ip netns delete inner
[ "$1" = macvlan ] || ip link delete join
nothing_lost rx_errors tx_dropped
up "$near" 2
link_down
