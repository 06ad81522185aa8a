#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A SCSI host that says that it has lost events is looked at for units that came, went and changed; events that
# cannot be change nothing; and there are always buffers for others.
#
# covers: SCSI-06 SCSI-10
# vm: @own-scsi
# timeout: 180

. /host/guest/lib/common.sh
. /host/guest/lib/scsi.sh
. /host/guest/lib/own.sh

# Bit 31 of an event, and events: a unit of target 0 was reset, came or went, or has other parameters.
MISSED=0x80000000

disk=$(unit h-split0) || exit
unit h-split2 >/dev/null
bdf=$(function_of "$disk")
all=$(units_of "$disk" | wc -l)
expect "the number of units" "$all" 3

tell "$bdf" "hide 1" "hide 2" "event $MISSED" >/dev/null
within 30 no_unit h-split1 || fail "a unit that went unseen did not go: $(lsscsi)"
within 30 no_unit h-split2 || fail "another unit that went unseen did not go: $(lsscsi)"
has_unit h-split0 || fail "the first unit went with others"
tell "$bdf" "show 1" "show 2" "event $MISSED" >/dev/null
within 30 has_unit h-split1 || fail "a unit that came unseen is not there: $(lsscsi)"
within 30 has_unit h-split2 || fail "another unit that came unseen is not there: $(lsscsi)"

# With an event of its own: unit 2 went, and so did unit 1.
tell "$bdf" "hide 1" "hide 2" "event 0x0200000280000001" >/dev/null
within 30 no_unit h-split2 || fail "a unit that went did not go: $(lsscsi)"
within 30 no_unit h-split1 || fail "a unit whose event was lost did not go: $(lsscsi)"
tell "$bdf" "show 1" "show 2" "event $MISSED" >/dev/null
unit h-split2 >/dev/null

# Another size, of which the event was lost.
sectors() {
	[ "$(cat "/sys/block/$disk/size")" = "$1" ]
}
tell "$bdf" "capacity 4096" "event $MISSED" >/dev/null
within 30 sectors 4096 || fail "a unit that was resized unseen has $(cat "/sys/block/$disk/size") sectors"
tell "$bdf" honest "event $MISSED" >/dev/null
within 30 sectors 81920 || fail "a unit that was resized back unseen has $(cat "/sys/block/$disk/size") sectors"

# An unknown event; an unknown reason; a target and units that are not there, which come or go; and more of
# them than there are buffers.
for _ in 1 2 3 4; do
	tell "$bdf" "event 0x7f" "event 0x0000000700000001" "event 0xc809000100000001" "event 0xc809000200000001" \
		"event 0xff00000200000001" "event 0xffffffffffffffff" "event 0xff00000000000003" >/dev/null
done
all_taken() {
	[ "$(counted "$bdf" events)" = 0 ]
}
within 60 all_taken || fail "of the events $(counted "$bdf" events) have no buffer"
expect "the number of units" "$(units_of "$disk" | wc -l)" "$all"
dd if="/dev/$disk" of=/dev/null bs=4k count=1 iflag=direct status=none || fail "the first unit cannot be read"
expect_no_findings "$bdf"
