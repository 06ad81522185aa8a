#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine that its host stops, by hand or at an error of a disk, goes on where it was: no time-out has
# passed meanwhile, and a write that met the error succeeds after all.
#
# timeout: 300
# full: yes

truncate -s 64M data
# Stops the machine for 4 s, longer than the time-out of the disk; and lets it go on whenever it was stopped.
cat >pause <<'END'
import json, socket, time
deadline = time.time() + 250
while time.time() < deadline:
    time.sleep(1)
    try:
        with socket.socket(socket.AF_UNIX) as monitor:
            monitor.connect("qmp")
            for command, seconds in (("qmp_capabilities", 0.2), ("stop", 4), ("cont", 2), ("cont", 2), ("cont", 0.2)):
                monitor.sendall(json.dumps({"execute": command}).encode())
                time.sleep(seconds)
    except OSError:
        pass
END
python3 pause &
pause=$!
"$REPO/tools/vm" exec --root ram --log console --qemu -qmp --qemu unix:qmp,server=on,wait=off \
	--blockdev driver=raw,node-name=data,file.driver=file,file.filename=data \
	--device virtio-blk-pci,drive=data,serial=data,num-queues=2 \
	--blockdev '{"driver":"blkdebug","node-name":"full","image":{"driver":"null-co","size":16777216,"read-zeroes":true},"inject-error":[{"event":"none","iotype":"write","errno":28,"sector":2048,"once":true},{"event":"none","iotype":"read","errno":5,"sector":4096,"once":true}]}' \
	--device virtio-blk-pci,drive=full,serial=full,werror=stop,rerror=stop -- sh -c '
	for name in vda vdb; do [ "$(cat /sys/block/$name/serial)" = data ] && data=$name || full=$name; done
	echo 2000 >/sys/block/$data/queue/io_timeout
	echo 2000 >/sys/block/$full/queue/io_timeout
	fio --name=verify --filename=/dev/$data --allow_file_create=0 --size=32M --direct=1 --ioengine=io_uring --rw=randrw \
		--bsrange=512-64k --blockalign=512 --iodepth=32 --loops=1000 --time_based --runtime=20 \
		--verify=crc32c --verify_fatal=1 >/tmp/fio.out 2>&1 &
	load=$!
	dd if=/dev/zero of=/dev/$full bs=4k count=1 seek=256 oflag=direct status=none && echo "the write succeeded"
	dd if=/dev/$full of=/dev/null bs=4k count=1 skip=512 iflag=direct status=none && echo "the read succeeded"
	wait $load
	grep -q "err= 0" /tmp/fio.out && echo "the load is well"
	cat /sys/block/vd?/device/recovery/* | sort | uniq -c' >out 2>err
status=$?
kill $pause
cat out err
[ $status -eq 0 ] || exit 1
for line in "the write succeeded" "the read succeeded" "the load is well"; do
	grep -q "^$line" out || exit 1
done
# All counters of both disks are 0.
grep -q '^ *12 0$' out || exit 1
