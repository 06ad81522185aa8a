#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Streams that the stack puts together from very many small pieces arrive unchanged, also where each
# piece takes a descriptor of its own, and rings of either side have other sizes.
#
# vm: --links 2 --device virtio-net-pci,netdev=link0,addr=0x10,indirect_desc=off,rx_queue_size=1024 --device virtio-net-pci,netdev=link1,addr=0x11,packed=on,indirect_desc=off,rx_queue_size=512
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

link_up
net pieces || fail "with offloads"
ethtool -K "$near" tso off sg off 2>/dev/null
net pieces || fail "without"
ethtool -K "$near" sg on tso on 2>/dev/null
nothing_lost
refuse logged 'no frame was sent for long'
link_down
