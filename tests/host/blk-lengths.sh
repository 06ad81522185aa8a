#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Disks work on devices that are wrong about used lengths in every way that is known, or write more
# than the status, or say that they take segments of no size, or none. Where there is no data, reading
# it is an error.
#
# covers: BLK-D1 BLK-D2
# timeout: 600

KINDS='counts zero one sixteen data over drifts short wide single'

fail() {
	echo "FAIL: $*"
	tail -n 40 err log 2>/dev/null
	exit 1
}

command -v python3 >/dev/null || fail "python3 is needed"
back_ends=
trap 'kill $back_ends 2>/dev/null' EXIT
trap 'exit 143' INT TERM
set -- --memory 1024 --log log \
	--qemu -object --qemu memory-backend-memfd,id=memory,size=1024M,share=on \
	--qemu -numa --qemu node,memdev=memory
for kind in $KINDS; do
	python3 "$REPO/tests/host/lib/vhost_blk.py" "$kind" "$PWD/$kind.sock" 2>"$kind.err" &
	back_ends="$back_ends $!"
	set -- "$@" --qemu -chardev --qemu "socket,id=$kind,path=$PWD/$kind.sock" \
		--device "vhost-user-blk-pci,chardev=$kind,num-queues=1"
done
# QEMU's own back end, where there is one. It gives its disks this serial number.
if command -v qemu-storage-daemon >/dev/null; then
	truncate -s 40M image
	qemu-storage-daemon --blockdev driver=file,filename=image,node-name=image \
		--export "type=vhost-user-blk,id=export,node-name=image,writable=on,addr.type=unix,addr.path=$PWD/vhost_user_blk.sock" \
		2>vhost_user_blk.err &
	back_ends="$back_ends $!"
	set -- "$@" --qemu -chardev --qemu "socket,id=export,path=$PWD/vhost_user_blk.sock" \
		--device "vhost-user-blk-pci,chardev=export,num-queues=1"
	KINDS="$KINDS vhost_user_blk"
fi
for kind in $KINDS; do
	for attempt in 1 2 3 4 5 6 7 8 9 10; do
		[ -S "$kind.sock" ] && break
		sleep 1
	done
done

cat >script <<'EOS'
. /host/guest/lib/common.sh
kind=$1
disk=$(disk "$kind") || exit
case $kind in
short)
	# The second half of the disk is not there.
	dd if="/dev/$disk" of=/dev/null bs=1M count=20 iflag=direct status=none || fail "$kind: the first half cannot be read"
	refuse dd if="/dev/$disk" of=/dev/null bs=1M skip=20 count=1 iflag=direct status=none 2>/dev/null
	;;
*)
	sh lib/verify.sh "/dev/$disk" || fail "$kind: data is not what was written"
	;;
esac
[ "$kind" != single ] || expect "segments" "$(cat "/sys/block/$disk/queue/max_segments")" 1
sloppy=$(dmesg | grep -c "$(virtio_of "$disk"): device reports .* checking the data of reads")
case $kind in
zero | one | sixteen | drifts | short) expect "$kind: messages" "$sloppy" 1 ;;
*) expect "$kind: messages" "$sloppy" 0 ;;
esac
EOS
"$REPO/tools/vm" exec "$@" --copy "$REPO/tests/guest:guest" --copy script -- sh -c '
	cd /host/guest
	for kind; do sh /host/script "$kind" || exit; done' sh $KINDS >out 2>err
status=$?
[ $status -eq 0 ] || fail "exit status $status: $(cat out *.err)"
