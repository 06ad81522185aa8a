#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Sockets receive into and send from memory of their own (AF_XDP), without copies, while the interface goes on
# for all others: they come and go under traffic, rings get other sizes and the device is reset meanwhile.
#
# covers: VQR-01 VQR-03
# vm: many: --smp 4 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,vectors=10 --device virtio-net-pci,netdev=link1,addr=0x11,mq=on,vectors=10,packed=on
# vm: mapped: --device intel-iommu,intremap=off --append intel_iommu=on --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,disable-legacy=on,iommu_platform=on,packed=on --device virtio-net-pci,netdev=link1,addr=0x11,disable-legacy=on,iommu_platform=on
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

PROGRAMS=/sys/fs/bpf
SERVES=/tmp/serves

xsk() {
	python3 $LIB/xsk.py "$@"
}

# serve [OPTION]: has frames sent back by a socket, until rest.
serve() {
	rm -f $SERVES
	xsk serve "$near" $SERVES "$@" &
	server=$!
	within 30 test -s $SERVES || fail "no socket"
	expect "how frames get to the socket" "$(cat $SERVES)" "$best"
}

rest() {
	rm -f $SERVES
	wait $server || fail "the socket"
	ip link set dev "$near" xdpdrv off
	! dmesg | grep -q 'leaking it' || fail "memory was leaked"
}

# goes_on WHEN: the socket gets and sends frames, and so do others.
goes_on() {
	xsk echo "$near" "$far" 20 || fail "$1"
	ping -c 2 -i 0.1 -W 20 10.77.0.3 >/dev/null || fail "no answer $1"
}

mountpoint -q $PROGRAMS || mount -t bpf bpf $PROGRAMS 2>/dev/null || skip "the kernel has no programs for XDP"
python3 -c 'import socket; socket.socket(44, socket.SOCK_RAW)' 2>/dev/null || skip "the kernel has no sockets of AF_XDP"
if [ -e /sys/bus/pci/devices/0000:00:10.0/class ] && grep -q ^0x0604 /sys/bus/pci/devices/0000:00:10.0/class; then
	NEAR_BDF=$(behind 0000:00:10.0) || exit
fi
link_up
trap 'rm -f $PROGRAMS/*' EXIT
# The socket is bound to the first queue.
[ ! -e "/sys/class/net/$near/queues/rx-1" ] || ethtool -L "$near" combined 1

# C does not do so without the DMA API.
best=zero-copy
if [ ! -e /sys/module/rvirtio_net ] && [ "$NEAR_BDF" != 0000:00:10.0 ]; then
	best=copy
fi
expect "how frames are to be copied" "$(xsk both "$near" "$far" copy)" copy
expect "how frames get anywhere" "$(xsk both "$near" "$far" any)" $best
if [ $best = zero-copy ]; then
	expect "how frames are not to be copied" "$(xsk both "$near" "$far" zero-copy)" zero-copy
fi

serve
goes_on "at first"
net load 1 >/tmp/load || fail "load beside a socket: $(cat /tmp/load)"
ip link set "$near" down
link_up
goes_on "after it was down"
# The rest is not to be had from C.
if [ -e /sys/module/rvirtio_net ]; then
	flood
	for size in 64 128 256; do
		ethtool -G "$near" rx $size tx $size || fail "rings cannot be replaced"
	done
	calm
	goes_on "with other rings"
	if [ "$NEAR_BDF" != 0000:00:10.0 ]; then
		for round in 1 2; do
			echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
			goes_on "after $round resets"
		done
	fi
	# Of two buffers.
	ip link set "$near" mtu 3000
	far ip link set "$far" mtu 3000
	ping -c 2 -i 0.1 -s 2900 -W 20 10.77.0.3 >/dev/null || fail "no answer with an MTU of 3000"
	far ip link set "$far" mtu 1500
	ip link set "$near" mtu 1500
	ip link set "$near" down
fi
rest
link_up
ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer after a socket"

# Without a program the device merges frames. C has connections time out then.
if [ -e /sys/module/rvirtio_net ]; then
	serve plain
	net load 1 >/tmp/load || fail "load through the memory of a socket: $(cat /tmp/load)"
	rest
fi

flood
serve wakeless
xsk echo "$near" "$far" 10 || fail "beside others"
rest
before=$(counter "$near" rx_packets)
within 30 receives $((before + 20)) || fail "nothing is received after the socket was closed"
calm
ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer at the end"
if [ -e /sys/module/rvirtio_net ]; then
	expect "what is said of pieces that are too small" "$(xsk refused "$near" 2048 500)" EINVAL
	serve
	echo "$NEAR_BDF" >/sys/bus/pci/drivers/rvirtio_pci/unbind
	rm -f $SERVES
	wait $server
	! dmesg | grep -q 'leaking it' || fail "memory was leaked when the driver was unbound"
	echo "$NEAR_BDF" >/sys/bus/pci/drivers/rvirtio_pci/bind
	link_up
	ping -c 1 -W 20 10.77.0.3 >/dev/null || fail "no answer after the driver was bound again"
fi
link_down
