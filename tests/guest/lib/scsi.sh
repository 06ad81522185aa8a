# SPDX-License-Identifier: GPL-2.0
#
# What tests of SCSI hosts share. Sourced by them.

# find_unit SERIAL: prints the name of the disk with this serial number, for example sda.
find_unit() {
	for page in /sys/block/*/device/vpd_pg80; do
		name=${page%/device/vpd_pg80}
		name=${name##*/}
		# Four bytes come before it.
		if [ "$(tail -c +5 "$page" 2>/dev/null | tr -d '\0 ')" = "$1" ] && [ -b "/dev/$name" ]; then
			echo "$name"
			return
		fi
	done
	return 1
}

has_unit() {
	find_unit "$1" >/dev/null
}

no_unit() {
	! find_unit "$1" >/dev/null
}

# unit SERIAL: prints the name of the disk, which has to be there within 20 s.
unit() {
	within 20 has_unit "$1" || fail "no disk has the serial number $1: $(lsscsi)"
	find_unit "$1"
}

# address_of DISK: prints its address, for example 2:0:1:0.
address_of() {
	basename "$(readlink -f "/sys/block/$1/device")"
}

# host_of DISK: prints the number of its host.
host_of() {
	address_of "$1" | cut -d: -f1
}

# virtio_path DISK: prints where its virtio device is in sysfs.
virtio_path() {
	path=$(readlink -f "/sys/block/$1/device")
	echo "${path%/host*}"
}

# plug DRIVER,PROPERTIES: plugs a unit, given as JSON without braces.
plug() {
	qmp device_add "{$1}" >/dev/null
}

unplug() {
	qmp device_del "{\"id\":\"$1\"}" >/dev/null
}

# function_of DISK: prints the address of the PCI function that its host is.
function_of() {
	basename "$(dirname "$(virtio_path "$1")")"
}

# units_of DISK: prints all units of its host.
units_of() {
	lsscsi "$(host_of "$1"):-:-:-"
}
