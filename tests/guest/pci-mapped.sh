#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Of the registers of a device the kernel maps the pages that it uses, however large their BAR is.
#
# covers: PCI-11
# vm: @features
# timeout: 60

. /host/guest/lib/common.sh

# mapped BDF: prints the size of each mapping of the function's BARs, without the page that follows it.
mapped() {
	python3 - "$1" <<'PYTHON'
import re, sys
bars = []
for line in open(f"/sys/bus/pci/devices/{sys.argv[1]}/resource"):
    start, end, flags = (int(word, 16) for word in line.split())
    if flags & 0x200:
        bars.append((start, end))
for line in open("/proc/vmallocinfo"):
    found = re.match(r"\S+\s+(\d+) .*phys=(0x[0-9a-f]+).*ioremap", line)
    if found and any(start <= int(found[2], 16) <= end for start, end in bars):
        # A page that nobody maps is part of the area.
        print(int(found[1]) - 4096)
PYTHON
}

# With a page for each doorbell the window of these has 4 MiB.
disk=$(disk pages) || exit
mapped "$(bdf_of "$disk")" >/tmp/mapped
cat /tmp/mapped
[ -s /tmp/mapped ] || fail "no mapping was found"
refuse grep -qvx 4096 /tmp/mapped
# Configuration, interrupt status, configuration of the disk, two doorbells; and the table of vectors.
[ "$(wc -l </tmp/mapped)" -le 6 ] || fail "there are more mappings than structures"
