#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Of a device that is not to be trusted only such frames reach the stack whose lengths and headers can be
# true, and of these the bytes that the device has written; all others are counted and a few logged. What
# the device gets of frames to send are the frames and their headers, and nothing else.
#
# covers: NET-16 NET-17 NET-43 NET-44 NET-45 NET-47 NET-52 NET-60 NET-63 NET-D2 NET-D3
# vm: mergeable: @net-device --device virtio-net-pci,netdev=device,addr=0x10
# vm: big: @net-device --device virtio-net-pci,netdev=device,addr=0x10,mrg_rxbuf=off
# vm: plain: @net-device --device virtio-net-pci,netdev=device,addr=0x10,csum=off,guest_csum=off
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

near=$(interface $NEAR_BDF) || exit
# No frames of the stack's own.
echo 1 >"/proc/sys/net/ipv6/conf/$near/disable_ipv6"
ip link set "$near" up
within 10 has_carrier "$near" || fail "$near has no carrier"

python3 $LIB/netdevice.py sent "$near" || fail "what is sent"
forget_log
python3 $LIB/netdevice.py received "$near" || fail "what is received"
lines=$(kernel_log | grep -c 'frames dropped, this one: ')
[ "$lines" -ge 3 ] && [ "$lines" -le 7 ] || fail "$lines lines tell of the frames that were dropped"

# Nor does more reach a program that looks at frames.
PROGRAMS=/sys/fs/bpf
mountpoint -q $PROGRAMS || mount -t bpf bpf $PROGRAMS 2>/dev/null
if mountpoint -q $PROGRAMS && ethtool -k "$near" | grep -q '^rx-checksumming: off'; then
	trap 'rm -f $PROGRAMS/*' EXIT
	python3 $LIB/xdp.py load || exit 1
	ip link set dev "$near" xdpdrv pinned $PROGRAMS/pass_frags || fail "it cannot be attached"
	python3 $LIB/netdevice.py received "$near" || fail "what is received with a program"
	ip link set dev "$near" xdpdrv off
fi
ip link set "$near" down
