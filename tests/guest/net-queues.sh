#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# An interface uses a pair of queues for each processor, and as many as it is told: in each of them frames
# are sent and received, also with fewer vectors than queues, while their number changes, and after a reset.
#
# covers: NET-59 NET-79 NET-80 NET-81 NET-82
# vm: many: --smp 4 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,vectors=10 --device virtio-net-pci,netdev=link1,addr=0x11,mq=on,vectors=10,packed=on
# vm: few: --smp 3 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,vectors=4,packed=on --device virtio-net-pci,netdev=link1,addr=0x11,mq=on,vectors=0
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

NEAR_BDF=$(behind 0000:00:10.0) || exit
cpus=$(nproc)

# shown WHAT: prints how many pairs there are (Combined, maximum first).
channels() {
	ethtool -l "$near" | sed -n 's/^Combined:[[:space:]]*//p' | tr '\n' ' '
}

# sent QUEUE: prints how many packets were sent by it.
sent() {
	tc -s qdisc show dev "$near" | awk -v parent=":$(printf %x $(($1 + 1)))" \
		'$1 == "qdisc" { found = $5 == parent } found && $1 == "Sent" { sum += $4 } END { print sum + 0 }'
}

# each_sends COUNT: fails unless that many queues send when every processor does, and others do not.
each_sends() {
	queue=0
	while [ $queue -lt "$cpus" ]; do
		eval "before$queue=\$(sent $queue)"
		queue=$((queue + 1))
	done
	cpu=0
	while [ $cpu -lt "$cpus" ]; do
		taskset -c $cpu ping -q -f -c 50 -w 20 10.77.0.3 >/dev/null || fail "answers are missing to processor $cpu with $1 pairs"
		cpu=$((cpu + 1))
	done
	queue=0
	while [ $queue -lt "$1" ]; do
		eval "[ \$(sent $queue) -gt \$before$queue ]" || fail "queue $queue of $1 sends nothing"
		queue=$((queue + 1))
	done
}

link_up
expect "the number of pairs" "$(channels)" "$cpus $cpus "
expect "the processors of the first one" "$(cat "/sys/class/net/$near/queues/tx-0/xps_cpus")" 1
each_sends "$cpus"
net load 2 >/tmp/load || fail "$(cat /tmp/load)"

refuse ethtool -L "$near" combined 0 2>/dev/null
refuse ethtool -L "$near" combined $((cpus + 1)) 2>/dev/null
expect "the number of pairs" "$(channels)" "$cpus $cpus "

flood
for round in 1 2 3 4 5; do
	for count in 1 3 2 "$cpus"; do
		ethtool -L "$near" combined "$count" || fail "$count pairs are refused"
		before=$(counter "$near" rx_packets)
		within 30 receives $((before + 20)) || fail "nothing is received with $count pairs"
	done
done
calm
ethtool -L "$near" combined 2 || fail "two pairs are refused"
each_sends 2

# It uses as many after a reset, and after it was down.
echo 1 >"/sys/bus/pci/devices/$NEAR_BDF/reset" || fail "it cannot be reset"
expect "the number of pairs after a reset" "$(channels)" "$cpus 2 "
each_sends 2
ip link set "$near" down
ethtool -L "$near" combined "$cpus" || fail "$cpus pairs are refused while it is down"
link_up
each_sends "$cpus"
nothing_lost rx_errors
link_down
