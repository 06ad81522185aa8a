#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The rings of an interface get other sizes while frames are sent and received by all its queues, which go on;
# the sizes stay when the interface is set down, and when the device is reset. Impossible ones are refused,
# with a reason.
#
# covers: VQR-01 VQR-03
# vm: --smp 4 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,vectors=10 --device virtio-net-pci,netdev=link1,addr=0x11,mq=on,vectors=10,packed=on
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

NEAR_BDF=$(behind 0000:00:10.0) || exit

# sizes COMMAND...: prints the largest sizes and those now, rx and tx, that a command like ethtool -g prints.
sizes() {
	"$@" | awk '/^(RX|TX):/ { print $2 }' | tr '\n' ' '
}

# resize RX TX: gives the rings of both interfaces these sizes.
resize() {
	ethtool -G "$near" rx "$1" tx "$2" || fail "$near does not take rings of $1 and $2 descriptors"
	expect "the sizes of $near" "$(sizes ethtool -g "$near")" "256 256 $1 $2 "
	far ethtool -G "$far" rx "$2" tx "$1" || fail "$far does not take rings of $2 and $1 descriptors"
	expect "the sizes of $far" "$(sizes far ethtool -g "$far")" "256 256 $2 $1 "
}

# goes_on WHEN: fails unless frames of all flows arrive.
goes_on() {
	net load 1 >/dev/null || fail "load $1"
	ping -q -f -c 100 -w 30 10.77.0.3 >/dev/null || fail "answers are missing $1"
}

link_up
expect "the sizes at first" "$(sizes ethtool -g "$near")" "256 256 256 256 "
refused 'power of two' ethtool -G "$near" rx 100
refused 'power of two' ethtool -G "$near" tx 255
refused 'too few' ethtool -G "$near" tx 16
refused 'too few' ethtool -G "$near" rx 16
refused 'too few' far ethtool -G "$far" rx 16
refuse ethtool -G "$near" rx 512 2>/dev/null
expect "the sizes after impossible ones" "$(sizes ethtool -g "$near")" "256 256 256 256 "

flood
resets=0
while [ $resets -lt 8 ]; do
	resize 64 128
	resize 256 64
	resets=$((resets + 1))
done
before=$(counter "$near" rx_packets)
within 30 receives $((before + 20)) || fail "nothing is received any more"
calm
net load 3 >/tmp/load 2>&1 &
load=$!
while kill -0 $load 2>/dev/null; do
	resize 128 64
	resize 64 256
	sleep 0.2
done
wait $load || fail "load while rings are replaced: $(cat /tmp/load)"
goes_on "with rings of other sizes"

far ethtool -G "$far" rx 100 tx 77 || fail "a packed ring cannot have any size"
expect "the sizes of $far" "$(sizes far ethtool -g "$far")" "256 256 100 77 "
goes_on "with a packed ring of 100 descriptors"

ip link set "$near" down
expect "the sizes of $near when it is down" "$(sizes ethtool -g "$near")" "256 256 64 256 "
ethtool -G "$near" rx 128 tx 32 || fail "the size of $near cannot be changed while it is down"
link_up
goes_on "after $near was down"
echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
expect "the sizes of $near after a reset" "$(sizes ethtool -g "$near")" "256 256 128 32 "
goes_on "after a reset"
ethtool -L "$near" combined 2 || fail "two pairs are refused"
ethtool -G "$near" rx 64 tx 64 || fail "rings cannot be replaced while two of four are used"
ethtool -L "$near" combined 4 || fail "four pairs are refused"
goes_on "with four pairs again"
link_down

modprobe -r rvirtio_net && modprobe rvirtio_net features_off=RING_RESET || fail "the module cannot be loaded again"
link_up
refused RING_RESET ethtool -G "$near" rx 64
expect "the sizes without RING_RESET" "$(sizes ethtool -g "$near")" "256 256 256 256 "
link_down
modprobe -r rvirtio_net && modprobe rvirtio_net || fail "the module cannot be loaded as it was"
interface "$NEAR_BDF" >/dev/null || exit
