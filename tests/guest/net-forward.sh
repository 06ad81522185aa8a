#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface can belong to a bridge, have another on top of it, or be what packets are routed over, while
# frames are as large as the devices pass them; forwarding switches nothing off.
#
# vm: @net
# cases: bridge macvlan route
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

[ "$1" = route ] || modprobe "$1" 2>/dev/null || skip "the kernel has no $1"
[ "$1" = macvlan ] || modprobe veth || skip "the kernel has no veth"
link_up
offloads=$(ethtool -k "$near" | grep -e gro-hw -e large-receive)
sysctl -q net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
ip address flush dev "$near" scope global
ip netns add inner
case $1 in
bridge)
	ip link add join type bridge forward_delay 0 mcast_snooping 0
	ip link set join up
	ip link set "$near" master join
	ip link add inside type veth peer name outside
	ip link set outside master join up
	;;
macvlan) ip link add inside link "$near" type macvlan mode private ;;
route)
	up "$near" 4
	ip link add inside type veth peer name outside
	ip link set outside up
	ip address add 10.79.0.1/24 dev outside
	ip address add fd79::1/64 dev outside nodad
	ip route add 10.77.0.2 via 10.79.0.2
	ip route add fd77::2 via fd79::2
	far ip route add 10.77.0.2 via 10.77.0.4
	far ip route add fd77::2 via fd77::4
	;;
esac
ip link set inside netns inner
ip netns exec inner sh -c ". $LIB/common.sh; . $LIB/net.sh; up inside 2; ip link set lo up"
[ "$1" != route ] || ip netns exec inner sh -e <<-END
	ip address add 10.79.0.2/24 dev inside
	ip address add fd79::2/64 dev inside nodad
	ip route add 10.77.0.3 via 10.79.0.1
	ip route add fd77::3 via fd79::1
END

ip netns exec inner python3 $LIB/net.py payload || fail "payload"
ip netns exec inner python3 $LIB/net.py load 3 || fail "load"
expect "receive offloads" "$(ethtool -k "$near" | grep -e gro-hw -e large-receive)" "$offloads"

sysctl -q net.ipv4.ip_forward=0 net.ipv6.conf.all.forwarding=0
ip netns delete inner
case $1 in
bridge) ip link delete join ;;
route) ip address flush dev "$near" scope global ;;
esac
nothing_lost rx_errors tx_dropped
up "$near" 2
link_down
