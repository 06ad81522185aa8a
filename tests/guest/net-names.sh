#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Interfaces have the names that they would have with any driver: when their devices are plugged, handed
# to the kernel's own driver and back, in whatever order, and plugged again. What is in use meanwhile goes
# cleanly, and works when it is back.
#
# vm: @net-plug
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/net.sh

rebind() {
	sh /run/rvirtio/rebind "$@" || fail "rebind $* failed"
}

driver() {
	ethtool -i "$1" | sed -n 's/^driver: //p'
}

# are DRIVER: whether both interfaces have their names, and this driver.
are() {
	for bdf in $NEAR_BDF $FAR_BDF; do
		name=$(interface $bdf) || exit
		expect "the name of $bdf with $1" "$name" "$(usual_name $bdf)"
		expect "the driver of $name" "$(driver "$name")" "$1"
	done
}

are rvirtio_net
for _ in 1 2; do
	# Each time another one is first.
	rebind --to-c $FAR_BDF
	rebind --to-c $NEAR_BDF
	are virtio_net
	rebind $FAR_BDF
	rebind $NEAR_BDF
	are rvirtio_net
done
works "both were handed over"
link_down

# behind_port: finds the device behind the port, $bdf.
behind_port() {
	for device in /sys/bus/pci/devices/0000:00:14.0/0000:*; do
		bdf=${device##*/}
		[ -e "$device/vendor" ] && return
	done
	return 1
}

gone() {
	[ ! -e "/sys/bus/pci/devices/$bdf" ]
}

for _ in 1 2 3; do
	qmp device_add '{"driver":"virtio-net-pci","netdev":"link2","id":"plugged","bus":"port1"}' >/dev/null || exit
	within 20 behind_port || fail "no PCI device appeared behind the port"
	bound "$bdf" rvirtio_pci || rebind "$bdf"
	NEAR_BDF=$bdf
	works "plugging"
	flood
	qmp device_del '{"id":"plugged"}' >/dev/null || exit
	within 30 gone || fail "$bdf did not go"
	calm
	ip netns delete peer
	within 15 has_interface $FAR_BDF || fail "$far did not come back"
done
