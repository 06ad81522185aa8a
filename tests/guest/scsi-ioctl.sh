#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What programs ask a unit by SG_IO, through its disk, its sg device or its bsg device, is answered as by the kernel's
# own driver: data, residual, sense data, statuses, and what is on the disk afterwards.
#
# covers: SCSI-D3
# vm: @scsi
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh

rebind() {
	sh /run/rvirtio/rebind "$@" || fail "rebind failed: $*"
}

# ask COMMAND...: tells what it says, and how it ends.
ask() {
	echo "--- $*"
	"$@" 2>&1
	echo "exit status $?"
}

# ask_for BYTES CDB: the same for a command of so many bytes of data, which are told by their sum.
ask_for() {
	rm -f /tmp/data
	ask sg_raw -r "$1" -o /tmp/data /tmp/unit $2
	[ ! -e /tmp/data ] || sha256sum /tmp/data
}

# ask_tools: what there are programs for.
ask_tools() {
	ask sg_turs /tmp/unit
	ask sg_requests /tmp/unit
	ask sg_inq /tmp/unit
	for page in 0x00 0x80 0x83 0x86 0xb0 0xb1 0xb2 0xc0; do
		ask sg_vpd --page=$page --hex /tmp/unit
	done
	ask sg_luns /tmp/unit
	ask sg_luns --select=2 /tmp/unit
	ask sg_readcap /tmp/unit
	ask sg_readcap --16 /tmp/unit
	ask sg_modes --all --hex /tmp/unit
	ask sg_logs /tmp/unit
	ask sg_opcodes /tmp/unit
	ask sg_get_lba_status /tmp/unit
	ask sg_rtpg /tmp/unit
	ask sg_ses /tmp/unit
	ask sg_senddiag --test /tmp/unit
	ask sg_read_buffer --mode=desc /tmp/unit
	ask sg_verify --count=8 --lba=0 /tmp/unit
	ask sg_sync /tmp/unit
	ask sg_start --start /tmp/unit
	ask sg_prevent /tmp/unit
	ask sg_prevent --allow /tmp/unit
	for action in --read-keys --read-reservation --report-capabilities --read-full-status; do
		ask sg_persist --in $action /tmp/unit
	done
	ask sg_persist --out --register --param-sark=0x77 /tmp/unit
	ask sg_persist --out --reserve --param-rk=0x77 --prout-type=1 /tmp/unit
	ask sg_compare_and_write --in=/tmp/text --lba=0x140 --num=4 --xferlen=4096 /tmp/unit
	ask sg_write_same --in=/tmp/text --xferlen=512 --lba=0x150 --num=8 /tmp/unit
	ask sg_write_same --16 --in=/tmp/text --xferlen=512 --lba=0x160 --num=8 /tmp/unit
	ask sg_write_same --16 --unmap --in=/dev/zero --xferlen=512 --lba=0x170 --num=8 /tmp/unit
	ask sg_unmap --force --lba=0x180 --num=8 /tmp/unit
	ask sg_unmap --force --lba=0xfffffff0 --num=8 /tmp/unit
}

# ask_commands: commands, some of which programs have no use for.
ask_commands() {
	# More room than data, exactly as much, less, and none.
	for room in 255 36 8 1; do
		ask_for $room "12 00 00 00 24 00"
	done
	ask sg_raw /tmp/unit 12 00 00 00 24 00
	ask sg_raw /tmp/unit 12 00 00 00 00 00
	ask_for 512 "00 00 00 00 00 00"
	ask_for 255 "03 00 00 00 fc 00"
	# READ of 6, 10, 12 and 16 bytes, with no, less and more room, of 64 KiB, and beyond the end.
	ask_for 512 "08 00 00 01 01 00"
	ask_for 512 "28 00 00 00 00 02 00 00 01 00"
	ask_for 512 "28 00 00 00 00 02 00 00 00 00"
	ask_for 512 "28 00 00 00 00 02 00 00 02 00"
	ask_for 1024 "28 00 00 00 00 02 00 00 01 00"
	ask_for 512 "a8 00 00 00 00 03 00 00 00 01 00 00"
	ask_for 512 "88 00 00 00 00 00 00 00 00 04 00 00 00 01 00 00"
	ask_for 65536 "28 00 00 00 00 00 00 00 80 00"
	ask_for 512 "28 00 ff ff ff f0 00 00 01 00"
	ask_for 512 "88 00 ff ff ff ff ff ff ff f0 00 00 00 01 00 00"
	# Unknown commands, the last one of 32 bytes.
	ask sg_raw /tmp/unit ff 00 00 00 00 00
	ask_for 512 "c0 00 00 00 00 00 00 00 00 00"
	ask_for 512 "7f 00 00 00 00 00 00 18 00 09 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"

	# WRITE, with all of the data, less than it takes and more, beyond the end, and WRITE AND VERIFY.
	ask sg_raw -s 4096 -i /tmp/text /tmp/unit 2a 00 00 00 01 00 00 00 08 00
	ask sg_raw -s 512 -i /tmp/text /tmp/unit 2a 00 00 00 01 10 00 00 08 00
	ask sg_raw -s 4096 -i /tmp/text /tmp/unit 2a 00 00 00 01 20 00 00 01 00
	ask sg_raw -s 4096 -i /tmp/text /tmp/unit 2a 00 ff ff ff f0 00 00 08 00
	ask sg_raw -s 4096 -i /tmp/text /tmp/unit 2e 00 00 00 01 30 00 00 08 00
}

# ask_all FILE DRIVER: asks the unit `many0` in all ways, with the driver that it has.
ask_all() {
	disk=$(unit many0) || exit
	expect "the driver of $disk" "$(basename "$(readlink -f "$(virtio_path "$disk")/driver")")" "$2"
	at=$(address_of "$disk")
	for node in "/dev/$disk" "/dev/$(basename "$(echo "/sys/block/$disk/device/scsi_generic/"*)")" "/dev/bsg/$at"; do
		within 20 test -e "$node" || fail "there is no $node"
		dd if=/tmp/pattern of="/dev/$disk" bs=1M oflag=direct conv=notrunc status=none || fail "the disk is not written"
		ln -sf "$node" /tmp/unit
		# There may be a unit attention.
		sg_turs /tmp/unit >/dev/null 2>&1
		echo "=== $(dirname "$node")"
		# They ask in the same way everywhere.
		[ "${node#/dev/sg}" = "$node" ] || ask_tools
		ask_commands
		dd if="/dev/$disk" bs=1M count=4 iflag=direct status=none | sha256sum
	done >"$1"
}

head -c 4M /dev/urandom >/tmp/pattern
yes "not random" | head -c 4096 >/tmp/text
disk=$(unit many0) || exit
bdf=$(function_of "$disk")
ask_all /tmp/ours rvirtio_scsi
rebind --to-c "$bdf"
ask_all /tmp/theirs virtio_scsi
rebind "$bdf"
unit many0 >/dev/null

# Not everything is refused.
[ "$(grep -c '^exit status 0' /tmp/ours)" -gt 40 ] || fail "most is refused: $(cat /tmp/ours)"
diff -u /tmp/theirs /tmp/ours || fail "the driver in C (-) gets other answers"
