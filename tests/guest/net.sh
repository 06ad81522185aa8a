#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface has the name, the driver and the address that it should, goes up and down again and
# again, and counts what it does.
#
# covers: NET-02 NET-03
# vm: @net
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

near=$(interface $NEAR_BDF) || exit
expect "the name" "$near" enp0s16
expect "the driver" "$(ethtool -i "$near" | sed -n 's/^driver: //p')" rvirtio_net
expect "the bus address" "$(ethtool -i "$near" | sed -n 's/^bus-info: //p')" $NEAR_BDF
expect "the address" "$(cat "/sys/class/net/$near/address")" 52:54:00:00:77:02
expect "its origin" "$(cat "/sys/class/net/$near/addr_assign_type")" 0

link_up
ping -c 1 -W 10 10.77.0.3 >/dev/null || fail "no answer over IPv4"
ping -c 1 -W 10 fd77::3 >/dev/null || fail "no answer over IPv6"

# What one has sent the other has received.
sent=$(counter "$near" tx_packets) bytes=$(counter "$near" tx_bytes)
received=$(far cat "/sys/class/net/$far/statistics/rx_packets")
ping -q -f -c 200 -s 1000 10.77.0.3 >/dev/null || fail "answers are missing"
sent=$(($(counter "$near" tx_packets) - sent)) bytes=$(($(counter "$near" tx_bytes) - bytes))
received=$(($(far cat "/sys/class/net/$far/statistics/rx_packets") - received))
[ $sent -ge 200 ] && [ $received -ge 200 ] || fail "$sent packets counted as sent, $received as received, of 200"
[ $bytes -ge $((200 * 1042)) ] || fail "$bytes bytes counted of 200 packets of 1042"
nothing_lost

round=0
while [ $round -lt 100 ]; do
	ip link set "$near" down
	ip link set "$near" up
	round=$((round + 1))
done
link_up
ping -c 1 -W 10 10.77.0.3 >/dev/null || fail "no answer after the interface was down"
link_down
