#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine whose root file system is on a SCSI host is suspended to idle twice, and to memory twice, while data
# is written and verified, and goes on each time. Units that came, went and changed meanwhile are noticed.
#
# covers: INIT-27 SCSI-10
# timeout: 300
# full: yes

. "$REPO/tests/host/lib/restart.sh"

# What is done to the machine when it is asleep: units are changed, which the device cannot report, and the power
# button is pressed, as no alarm of QEMU's machine wakes it from s2idle.
cat >asleep <<'END'
import json, os, socket, time


def execute(command, **arguments):
    with socket.socket(socket.AF_UNIX) as monitor:
        monitor.connect("qmp")
        lines = monitor.makefile("rw")
        for message in {"execute": "qmp_capabilities"}, {"execute": command, "arguments": arguments}:
            lines.write(json.dumps(message) + "\n")
            lines.flush()
            answer = {}
            while not answer.keys() & {"return", "error"}:
                answer = json.loads(lines.readline())
    print(command, answer)


def console():
    return open("console", errors="replace").read() if os.path.exists("console") else ""


def fall_asleep(time_of):
    """Waits until the machine is about to sleep for that time, and until it does."""
    while "Synchronizing SCSI cache" not in "".join(console().split("PM: suspend entry")[time_of:]):
        time.sleep(0.2)
    time.sleep(2)


def wake_up(time_of):
    while console().count("PM: suspend exit") < time_of:
        execute("system_powerdown")
        time.sleep(2)


fall_asleep(1)
execute("device_del", id="goes")
execute("device_add", driver="scsi-hd", id="came", drive="other", serial="came", bus="h.0", **{"scsi-id": 200, "lun": 3})
execute("block_resize", **{"node-name": "grows", "size": 64 << 20})
wake_up(1)
fall_asleep(2)
wake_up(2)
END
python3 asleep >asleep.out 2>&1 &
asleep=$!

truncate -s 32M grows.raw
null() {
	echo "--blockdev driver=null-co,node-name=$1,size=33554432,read-zeroes=on"
}

# After a suspend to memory QEMU's machine cannot be switched off, whoever drives its disks, so it is restarted
# in the end. OPTIONS are others, such as "--drivers c".
restarts --root scsi --device virtio-rng-pci --device virtio-scsi-pci,id=h,num_queues=2 \
	$(null stays) $(null goes) $(null other) --blockdev driver=raw,node-name=grows,file.driver=file,file.filename=grows.raw \
	--device scsi-hd,id=stays,drive=stays,serial=stays,bus=h.0,scsi-id=1 \
	--device scsi-hd,id=goes,drive=goes,serial=goes,bus=h.0,scsi-id=2 \
	--device scsi-hd,id=grows,drive=grows,serial=grows,bus=h.0,scsi-id=3 \
	--qemu -qmp --qemu unix:qmp,server=on,wait=off --log console --append no_console_suspend \
	--copy "$REPO/tests/guest" --timeout "${TIMEOUT:-150}" $OPTIONS -- sh -c '
		. /host/guest/lib/common.sh
		. /host/guest/lib/scsi.sh
		modprobe -q button
		for serial in stays goes grows; do
			unit $serial >/dev/null || exit
		done
		disk=$(basename "$(findmnt -no SOURCE /)")
		# fio does not end while it makes its file.
		head -c 32M /dev/zero >/var/tmp/fio
		sync
		fio --name=verify --filename=/var/tmp/fio --size=32M --direct=1 --ioengine=io_uring --rw=randrw \
			--rwmixread=30 --bsrange=512-64k --blockalign=512 --iodepth=32 --loops=1000 --time_based \
			--runtime=600 --verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
		load=$!
		ended() { awk "{ print \$1 + \$5 }" "/sys/block/$disk/stat"; }
		has_ended() { [ "$(ended)" -gt "$1" ]; }
		goes_on() { within 30 has_ended $(($(ended) + 10)); }
		goes_on || fail "there is no load"
		sectors() { [ "$(cat "/sys/block/$(find_unit grows)/size")" = "$1" ]; }
		for state in freeze freeze mem mem; do
			case $state in
			freeze) echo freeze >/sys/power/state || echo "FAIL: not suspended to idle" ;;
			# Time to get to sleep: an alarm that comes before is lost.
			mem) rtcwake -m mem -s 8 >/dev/null || echo "FAIL: not suspended to memory" ;;
			esac
			goes_on || echo "FAIL: nothing is done after a suspend: $state"
		done
		within 20 no_unit goes || echo "FAIL: the unit that went is there: $(lsscsi)"
		within 20 has_unit came || echo "FAIL: the unit that came is not there: $(lsscsi)"
		within 20 sectors 131072 || echo "FAIL: the unit that grew has $(cat "/sys/block/$(find_unit grows)/size") sectors"
		has_unit stays || echo "FAIL: a unit went with another one"
		kill -INT $load
		wait $load
		grep -q "err= 0" /tmp/fio.out || cat /tmp/fio.out
		echo "suspended $(cat /sys/power/suspend_stats/success) times, $(grep -c "err= 0" /tmp/fio.out) load is well"
		grep . "$(virtio_path "$disk")"/recovery/*
		echo 1 >/proc/sys/kernel/sysrq
		sync
		python3 -c "import ctypes; ctypes.CDLL(None).reboot(0x01234567)"'
status=$?
kill $asleep 2>/dev/null
cat asleep.out
[ $status -eq 0 ] || exit 1
grep -q "^suspended 4 times, 1 load is well" out || exit 1
if grep -q FAIL out; then exit 1; fi
