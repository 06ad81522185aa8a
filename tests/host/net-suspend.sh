#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine is suspended to memory five times while two of its interfaces send and receive, which go on
# each time as they were set.
#
# covers: INIT-27
# timeout: 300

. "$REPO/tests/host/lib/restart.sh"

# After a suspend to memory QEMU's machine cannot be switched off, whoever drives its devices, so the guest
# is restarted in the end.
restarts --links 2 --copy "$REPO/tests/guest" --timeout 240 \
	--device virtio-net-pci,netdev=link0,addr=0x10 --device virtio-net-pci,netdev=link1,addr=0x11,packed=on -- sh -c '
		. /host/guest/lib/common.sh
		. /host/guest/lib/net.sh
		link_up
		ip link set "$near" address 52:54:00:00:77:42
		ip link set "$near" mtu 1400
		flood
		round=0
		while [ $round -lt 5 ]; do
			# Time to get to sleep: an alarm that comes before is lost.
			rtcwake -m mem -s 8 >/dev/null || echo "FAIL: not suspended"
			before=$(counter "$near" rx_packets)
			within 30 receives $((before + 20)) || echo "FAIL: nothing is received after suspend $round"
			round=$((round + 1))
		done
		calm
		ping -c 1 -W 20 10.77.0.3 >/dev/null && answered=an || answered=no
		echo "suspended $(cat /sys/power/suspend_stats/success) times, then $answered answer to" \
			"$(cat "/sys/class/net/$near/address") with $(cat "/sys/class/net/$near/mtu") bytes"
		echo 1 >/proc/sys/kernel/sysrq
		sync
		python3 -c "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"' || exit 1
grep -q '^suspended 5 times, then an answer to 52:54:00:00:77:42 with 1400 bytes' out || exit 1
if grep -q FAIL out; then exit 1; fi
