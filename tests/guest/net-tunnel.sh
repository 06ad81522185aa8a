#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What is sent through a UDP tunnel over IPv4 or IPv6, with and without checksums of the tunnel's
# own, arrives unchanged and, where the device segments it, is sent in large frames. What the device does
# not segment, as it would have to make the tunnel's checksums, has them when it is sent.
#
# Not received in large frames: QEMU 11.1 does so without the offsets of the headers, which its own
# network back end has.
#
# covers: NET-30 NET-32 NET-48 NET-49 NET-50 NET-54
# vm: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,guest_tunnel=off --device virtio-net-pci,netdev=link1,addr=0x11,guest_tunnel=off
# vm: no-csum: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,guest_tunnel=off,host_tunnel_csum=off --device virtio-net-pci,netdev=link1,addr=0x11,csum=off,guest_csum=off
# cases: v4 v4-csum v6-csum
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

modprobe vxlan || skip "the kernel has no VXLAN"
link_up
case $1 in
v4) near_end="local 10.77.0.2 remote 10.77.0.3 noudpcsum" far_end="local 10.77.0.3 remote 10.77.0.2 noudpcsum" ;;
v4-csum) near_end="local 10.77.0.2 remote 10.77.0.3 udpcsum" far_end="local 10.77.0.3 remote 10.77.0.2 udpcsum" ;;
v6-csum) near_end="local fd77::2 remote fd77::3" far_end="local fd77::3 remote fd77::2" ;;
esac
# Unquoted: several words.
ip link add tunnel type vxlan id 7 dstport 4789 dev "$near" $near_end || fail "no tunnel"
far ip link add tunnel type vxlan id 7 dstport 4789 dev "$far" $far_end || fail "no tunnel there"
for where in "" "ip netns exec peer"; do
	number=$([ -z "$where" ] && echo 2 || echo 3)
	$where ip address add 10.78.0.$number/24 dev tunnel
	$where ip address add fd78::$number/64 dev tunnel nodad
	$where ip link set tunnel up
done
NETWORK=78
export NETWORK
net payload || fail "payload"

net load 5 "$near" >/tmp/load || fail "load"
read -r _ _ _ _ largest </tmp/load
case $1 in
v4) offload=tx-udp_tnl-segmentation ;;
*) offload=tx-udp_tnl-csum-segmentation ;;
esac
if ethtool -k "$near" | grep -q "$offload: on"; then
	[ "$largest" -gt 3000 ] || fail "the largest frame had $largest bytes: they were segmented before"
fi
# What arrives with a checksum that was never made.
wrong=$(far cat /proc/net/snmp /proc/net/snmp6 | awk '/^Udp: [0-9]/ { count += $8 } /^Udp6InCsumErrors/ { count += $2 } END { print count }')
expect "the number of wrong checksums" "$wrong" 0
nothing_lost
ip link delete tunnel
link_down
