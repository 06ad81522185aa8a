#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Whatever is wrong with a device while its driver is bound to it, that ends within a bound, with a disk that
# works or with an error; and the driver can be bound when nothing is wrong any more.
#
# covers: INIT-04 INIT-12
# vm: @own-faults
# timeout: 300

. /host/guest/lib/common.sh
. /host/guest/lib/recovery.sh
. /host/guest/lib/own.sh

# probe BDF OUTCOME LINE: binds the driver to a disk that does this.
probe() {
	tell "$1" "$3" >/dev/null
	seconds_of sh -c "echo $1 >/sys/bus/pci/drivers/$OWN_DRIVER/bind" 2>/dev/null
	echo "$1: $3: $took s, a disk: $(own_disk "$1")"
	[ "$took" -le $BOUND ] || fail "binding the driver took $took s when told: $3"
	if [ "$2" = works ]; then
		read_block "$(own_disk "$1")" 100 || fail "the disk does not work when told: $3"
	else
		expect "the disk when told '$3'" "$(own_disk "$1")" ""
	fi
	tell "$1" honest >/dev/null
	[ "${3#*vanish}" = "$3" ] || tell "$1" return >/dev/null
	[ ! -e "/sys/bus/pci/devices/$1/driver" ] || unbind "$1"
	bind "$1"
	within $BOUND has_own_disk "$1" || fail "there is no disk after it was told: $3"
	udevadm settle --timeout=120
	read_block "$(own_disk "$1")" 100 || fail "the disk does not work after it was told: $3"
	expect_no_findings "$1"
	unbind "$1"
}

# What is told to the disks, one after the other; those of different disks at the same time.
probes() {
	unbind "$2"
	case $1 in
	split)
		probe "$2" fails "at 1 stall"
		;;
	packed)
		probe "$2" fails "at 1 vanish"
		probe "$2" works "at 1 stall 3000"
		;;
	split-in-order)
		probe "$2" works "at 1 needs-reset"
		probe "$2" fails "refuse 1"
		probe "$2" works needs-reset
		probe "$2" works "at 1 silent"
		;;
	packed-in-order)
		probe "$2" fails "at 1 times 1000 needs-reset"
		probe "$2" fails "withhold 32"
		probe "$2" works "at 1 drop"
		probe "$2" fails vanish
		;;
	esac
	bind "$2"
}

functions=
for serial in split packed split-in-order packed-in-order; do
	disk=$(disk $serial) || exit
	functions="$functions $serial:$(bdf_of "$disk")"
done
udevadm settle --timeout=120
jobs=
for function in $functions; do
	(probes "${function%%:*}" "${function#*:}") &
	jobs="$jobs $!"
done
failed=0
for job in $jobs; do
	wait "$job" || failed=$((failed + 1))
done
[ $failed -eq 0 ] || fail "$failed of the disks"
