#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The stack is told the hashes of received frames that the device has made with the key and of the fields that
# are set, while that is switched on, with RSS and without, and also after a reset.
#
# covers: NET-58 NET-87
# vm: --links 2 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,rss=on,hash=on --device virtio-net-pci,netdev=link1,addr=0x11,hash=on,packed=on
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

NEAR_BDF=$(behind 0000:00:10.0) || exit

# hashes SIDE FLOW=FIELDS...: fails unless the hashes of such frames are of these fields.
hashes() {
	side=$1
	shift
	python3 $LIB/nethash.py "$side" "$near" "$far" "$@" || fail "a hash"
}

# ethtool_at SIDE OPTION ARGUMENT...: of the interface of that side.
ethtool_at() {
	where=$1 option=$2
	shift 2
	if [ "$where" = near ]; then
		ethtool "$option" "$near" "$@"
	else
		far ethtool "$option" "$far" "$@"
	fi
}

ALL="tcp4=ports udp4=ports ip4=addresses tcp6=ports udp6=ports ip6=addresses"
NONE="tcp4=none udp4=none ip4=none tcp6=none udp6=none ip6=none"
KEY=6d:5a:56:da:25:5b:0e:c2:41:67:25:3d:43:a3:8f:b0:d0:ca:2b:cb:ae:7b:30:b4:77:cb:2d:a3:80:30:f2:0c:6a:42:b7:3b:be:ac:01:fa

link_up
for side in near far; do
	ethtool_at $side -k | grep -q '^receive-hashing: off$' || fail "$side: $(ethtool_at $side -k | grep hashing)"
	ethtool_at $side -X hkey $KEY || fail "the key cannot be set"
	hashes $side $NONE
	ethtool_at $side -K rxhash on || fail "hashes cannot be switched on"
	hashes $side $ALL

	ethtool_at $side -N rx-flow-hash tcp4 sd || fail "the fields cannot be set"
	hashes $side tcp4=addresses udp4=ports tcp6=ports
	ethtool_at $side -N rx-flow-hash tcp4 sdfn || fail "the fields cannot be set back"
	hashes $side $ALL
done

# Where a reset of the function is possible.
echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
hashes near $ALL

net load 1 >/dev/null || fail "load with hashes"
net payload || fail "payload with hashes"
for side in near far; do
	ethtool_at $side -K rxhash off || fail "hashes cannot be switched off"
	hashes $side $NONE
done
link_down
