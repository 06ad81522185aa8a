#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Streams that the stack puts together from very many small pieces arrive unchanged, also where each
# piece takes a descriptor of its own, and rings of either side have other sizes.
#
# vm: @net-rings
# timeout: 240

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

# ring DEVICE QUEUE SIZE: fails unless the device was told of so many descriptors.
ring() {
	query="{\"path\": \"/machine/peripheral/$1/virtio-backend\", \"queue\": $2}"
	status=$(qmp x-query-virtio-queue-status "$query") || exit
	size=${status#*\"vring-num\": }
	expect "the size of ring $2 of $1" "${size%%[!0-9]*}" "$3"
}

link_up
ring near 0 1024
ring near 1 256
ring far 0 512
ring far 1 256
net pieces || fail "with offloads"
ethtool -K "$near" tso off sg off 2>/dev/null
net pieces || fail "without"
ethtool -K "$near" sg on tso on 2>/dev/null
nothing_lost
refuse logged 'no frame was sent for long'
link_down
