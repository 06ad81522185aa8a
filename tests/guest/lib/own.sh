# SPDX-License-Identifier: GPL-2.0
#
# Disks of our own (Documentation/device.md). Sourced by their tests.

# tell BDF LINE...: has a disk do something wrong, or answer; prints the answers.
tell() {
	python3 $LIB/own.py "$@" || fail "the disk did not understand"
}

# counted BDF WORD: prints how often the disk has seen that.
counted() {
	tell "$1" "count $2"
}

# expect_no_findings BDF...: fails if these disks have found that the driver did something wrong.
expect_no_findings() {
	for own in "$@"; do
		found=$(tell "$own" findings)
		[ -z "$found" ] || fail "the driver is at fault: $found"
	done
}
