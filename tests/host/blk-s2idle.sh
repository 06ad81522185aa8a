#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine whose root file system is on our disk is suspended to idle while data is written and verified,
# is woken by its power button, and goes on.
#
# covers: INIT-27
# timeout: 300

# The power button, every 4 s until the guest has ended: no alarm of QEMU's machine wakes it from this state.
cat >button <<'END'
import json, socket, sys, time
deadline = time.time() + 250
while time.time() < deadline:
    time.sleep(4)
    try:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect("qmp")
            for command in "qmp_capabilities", "system_powerdown":
                monitor.sendall(json.dumps({"execute": command}).encode())
                time.sleep(0.2)
    except OSError:
        pass
END
python3 button &
button=$!
"$REPO/tools/vm" exec --root-device virtio-blk-pci,num-queues=2 --device virtio-rng-pci --log console \
	--qemu -qmp --qemu unix:qmp,server=on,wait=off -- sh -c '
	modprobe -q button
	# fio does not end while it makes its file.
	head -c 32M /dev/zero >/var/tmp/fio
	sync
	fio --name=verify --filename=/var/tmp/fio --size=32M --direct=1 --ioengine=io_uring --rw=randrw \
		--rwmixread=30 --bsrange=512-64k --blockalign=512 --iodepth=32 --loops=1000 --time_based \
		--runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
	load=$!
	ended() { awk "{ print \$1 + \$5 }" /sys/block/vda/stat; }
	goes_on() {
		before=$(ended)
		tries=0
		until [ $(($(ended) - before)) -gt 10 ]; do
			tries=$((tries + 1))
			[ $tries -lt 300 ] || return
			sleep 0.1
		done
	}
	goes_on || echo "FAIL: there is no load"
	for round in 1 2 3 4 5; do
		echo freeze >/sys/power/state || echo "FAIL: not suspended"
		goes_on || echo "FAIL: nothing is done after suspend $round"
		timeout 30 head -c 64 /dev/hwrng >/dev/null || echo "FAIL: no entropy after suspend $round"
	done
	kill -INT $load
	wait $load
	grep -q "err= 0" /tmp/fio.out || cat /tmp/fio.out
	echo "suspended $(cat /sys/power/suspend_stats/success) times, $(grep -c "err= 0" /tmp/fio.out) load is well"
	grep . /sys/block/vda/device/recovery/*' >out 2>err
status=$?
kill $button
cat out err
[ $status -eq 0 ] || exit 1
grep -q '^suspended 5 times, 1 load is well' out || exit 1
if grep -q FAIL out; then exit 1; fi
