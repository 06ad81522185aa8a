#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What ethtool, ip, tc and netlink are told of an interface, and what they can set, is what the driver in C
# tells them of the same device, but for what is listed here.
#
# vm: --smp 4 --links 2 --link-queues 4 --device pcie-root-port,id=port1,chassis=1,addr=0x10 --device virtio-net-pci,netdev=link0,bus=port1,mq=on,vectors=10 --device virtio-net-pci,netdev=link1,addr=0x11,mq=on,vectors=10,packed=on
# timeout: 240
# alone: yes
# debug-kernel: no

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

NEAR_BDF=$(behind 0000:00:10.0) || exit

# ask COMMAND...: prints the question, and what is answered.
ask() {
	echo "? $*" | sed "s/$near/IF/g"
	"$@" 2>&1 | sed "s/$near/IF/g; s/^/$label /"
}

# tell COMMAND...: prints the request, and whether it is done.
tell() {
	echo "! $*" | sed "s/$near/IF/g"
	"$@" >/dev/null 2>&1 && echo "$label done" || echo "$label refused"
}

# names: leaves out what is another number each time.
names() {
	"$@" | sed 's/:[[:space:]]*[0-9]*$//'
}

files() {
	(cd "/sys/class/net/$near/" && find . -maxdepth 3 ! -path './device*' ! -path './statistics/*' | sort)
}

settings() {
	(cd "/sys/class/net/$near/" && grep -s . addr_assign_type addr_len carrier dev_port dormant duplex flags \
		gro_flush_timeout iflink_is link_mode mtu name_assign_type napi_defer_hard_irqs operstate phys_* proto_down \
		speed testing threaded tx_queue_len type queues/*/rps_cpus queues/*/xps_cpus queues/*/tx_maxrate \
		queues/*/rps_flow_cnt queues/*/byte_queue_limits/limit_m* queues/*/traffic_class)
}

# link: what ip tells of the link, without numbers that differ each time, and without the device that it belongs
# to: that is the PCI function, after which it is named, and not a device of the bus that only C has.
link() {
	ip -d link show "$near" | sed 's/^[0-9]*: //; s/ permaddr [^ ]*//; s/ parentbus .*//'
}

answers() {
	label=
	for option in "" -i -k -g -l -c -x -a -T -P -u -e -d -m --show-priv-flags --show-fec --show-module \
		--show-tunnels --phy-statistics --get-plca-cfg --show-mm --show-pse --get-phy-tunable; do
		label="ethtool$option"
		ask ethtool $option "$near"
	done
	label=flow
	for flow in tcp4 udp4 tcp6 udp6 ah4 sctp4; do
		ask ethtool -n "$near" rx-flow-hash $flow
	done
	label=coalesce
	ask ethtool --per-queue "$near" queue_mask 0x3 --show-coalesce
	ask ethtool --per-queue "$near" queue_mask 0x10 --show-coalesce
	label=counters
	ask names ethtool -S "$near"
	label=link
	ask link
	label=statistics
	ask sh -c "ip -s -s link show $near | sed -n 's/^  *\(RX\|TX\)/\1/p'"
	label=qdisc
	ask tc qdisc show dev "$near"
	ask tc class show dev "$near"
	label=sysfs
	ask files
	ask settings
	label=netlink
	ask python3 $LIB/netdev_genl.py "$near"
}

# requests: sets something, and looks at what has become of it.
requests() {
	for feature in tx rx sg tso gso gro lro rxvlan txvlan ntuple rxhash tx-udp-segmentation rx-gro-hw rx-vlan-filter; do
		for state in off on; do
			label=set-$feature
			tell ethtool -K "$near" $feature $state
			ask ethtool -k "$near"
		done
	done
	label=mtu
	for mtu in 60 68 1280 9000 65535 65536 1500; do
		tell ip link set "$near" mtu $mtu
	done
	label=channels
	for wish in "combined 0" "combined 5" "rx 1" "other 1" "combined 2"; do
		tell ethtool -L "$near" $wish
	done
	ask ethtool -l "$near"
	ask ethtool -x "$near"
	ask files
	ask settings
	ask python3 $LIB/netdev_genl.py "$near"
	tell ethtool -L "$near" combined 4
	label=rings
	for wish in "rx 100" "rx 512" "rx 128 tx 128" "rx 256 tx 256" "rx-mini 1" "rx-buf-len 4096"; do
		tell ethtool -G "$near" $wish
	done
	ask ethtool -g "$near"
	label=set-coalesce
	for wish in "rx-usecs 1" "tx-usecs 1" "rx-frames 2" "tx-frames 2" "adaptive-rx on" "adaptive-tx on" "rx-usecs-irq 1"; do
		tell ethtool -C "$near" $wish
		tell ethtool --per-queue "$near" queue_mask 1 --coalesce $wish
	done
	label=other
	tell ethtool -s "$near" speed 1000 duplex full autoneg off
	ask ethtool "$near"
	tell ethtool -s "$near" speed 77 duplex full
	tell ethtool -s "$near" autoneg on
	tell ethtool -A "$near" rx off
	tell ethtool -X "$near" equal 2
	tell ethtool -X "$near" hkey 00
	tell ethtool -N "$near" rx-flow-hash tcp4 sd
	tell ethtool -p "$near" 1
	tell ethtool -r "$near"
	tell ethtool -t "$near"
	tell ethtool --reset "$near" all
	tell ethtool --set-priv-flags "$near" a on
	tell ip link set "$near" promisc on
	tell ip link set "$near" promisc off
	tell ip link set "$near" allmulticast on
	tell ip link set "$near" allmulticast off
	tell ip link set "$near" address 52:54:00:77:77:77
	tell ip link set "$near" address 01:00:5e:00:00:01
	tell ip link set "$near" address "$(ethtool -P "$near" | sed 's/.*: //')"
	tell ip link set "$near" txqueuelen 500
	tell ip link set "$near" txqueuelen 1000
	tell ip link set "$near" vf 0 mac 52:54:00:77:77:78
	tell ip link add link "$near" name vlan7 type vlan id 7
	tell ip link delete vlan7
	tell ip link add link "$near" name macvlan7 type macvlan
	tell ip link delete macvlan7
	tell tc qdisc replace dev "$near" root mqprio num_tc 2 map 0 1 queues 2@0 2@2 hw 1
	tell tc qdisc replace dev "$near" root mq offload
	tell tc qdisc add dev "$near" clsact
	tell tc qdisc delete dev "$near" clsact
	tell ip link property add dev "$near" altname other
	tell ip link property delete dev "$near" altname other
	label=end
	ask link
	ask ethtool -k "$near"
}

# all_answers FILE [--to-c]: of the drivers that rebind gives the near device to.
all_answers() {
	to=$1
	shift
	sh /run/rvirtio/rebind "$@" "$NEAR_BDF" >&2 || fail "rebind failed"
	link_up
	{ answers; requests; } >"$to"
	link_down
}

# Differences, and why they are there: patterns of lines that only C has (<), or only ours (>).
cat >/tmp/known <<'END'
# It is another module.
^[<>] . ethtool -i IF > ethtool-i (driver|version):
# We count more.
^> . names ethtool -S IF > counters +(rx[0-9]*_(length_errors|frame_errors|alloc_fail)|tx[0-9]*_drops)$
^[<>] .*genl.py IF > [a-z]+ stats queue-type=0 queue-id=[0-9] 8 9( 12)?$
# The name of a port is for devices that stand in for others (STANDBY).
^< . files > [a-z]+ \./phys_port_name$
# C estimates how long frames will be, to choose the size of buffers.
^< . files > [a-z]+ \./queues/rx-[0-9]/virtio_net$
# C takes frames of other devices only while there is a program, whole ones.
^< .* dev xdp-features=43 xdp-rx-metadata=0 xsk-features=0 xdp-zc-max-segs=1$
^> .* dev xdp-features=111 xdp-rx-metadata=0 xsk-features=0 xdp-zc-max-segs=1$
# One NAPI polls both queues of a pair, and we say so for those that send, too.
^< .* queue id=[0-9] type=1$
^> .* queue id=[0-9] type=1 napi$
# Without commands for it C agrees, and does nothing.
^[<>] . ethtool -C IF adaptive-rx on > set-coalesce (done|refused)$
END
grep -v '^#' /tmp/known >/tmp/patterns

all_answers /tmp/c --to-c
all_answers /tmp/ours
# Lines with the question before them, so that each can be told from others that look the same.
for who in c ours; do
	awk '/^[?!]/ { question = $0; next } { print question " > " $0 }' /tmp/$who >/tmp/$who.lines
done
[ "$(wc -l </tmp/c.lines)" -gt 400 ] || fail "something is wrong with the questions: $(cat /tmp/c)"
diff /tmp/c.lines /tmp/ours.lines | grep '^[<>]' >/tmp/differences
grep -vEf /tmp/patterns /tmp/differences >/tmp/found
[ ! -s /tmp/found ] || fail "the driver in C (<) and ours (>) answer differently:
$(cat /tmp/found)"
while read -r pattern; do
	grep -qE -- "$pattern" /tmp/differences || fail "there is no such difference any more: $pattern"
done </tmp/patterns
echo "$(wc -l </tmp/c.lines) lines of the driver in C, $(wc -l </tmp/differences) of either that are not the other's"
