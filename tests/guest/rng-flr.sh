#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A reader of an entropy device goes on while the function is reset by the kernel and by its port.
#
# covers: INIT-27
# vm: @restart
# timeout: 180

. /host/guest/lib/common.sh

class=/sys/class/misc/hw_random
for source in $(cat $class/rng_available); do
	case $source in
	rvirtio_rng.*) break ;;
	esac
done
virtio=virtio${source##*.}
bdf=$(basename "$(dirname "$(readlink -f /sys/bus/*virtio/devices/"$virtio")")")
[ "$(cut -d " " -f 1 "/sys/bus/pci/devices/$bdf/reset_method")" = flr ] || fail "the function has no FLR"
echo "$source" >$class/rng_current || fail "the source cannot be had"
cat /dev/hwrng >/tmp/random &
reader=$!
delivers() {
	[ "$(stat -c %s /tmp/random)" -gt "$before" ]
}
goes_on() {
	before=$(stat -c %s /tmp/random)
	within 20 delivers || fail "nothing is delivered after $1"
}
goes_on "the start"
for round in 1 2 3 4 5 6 7 8 9 10; do
	echo 1 >"/sys/bus/pci/devices/$bdf/reset" || fail "the reset failed"
	goes_on "reset $round"
	truncate -s 0 /tmp/random
done
if [ -e "/sys/bus/pci/devices/$bdf/aer_dev_fatal" ]; then
	qmp human-monitor-command '{"command-line":"pcie_aer_inject_error random DLP"}' >/dev/null || exit
	within 30 logged "device recovery successful" || fail "not recovered from an error: $(kernel_log)"
	goes_on "an error"
fi
kill -0 $reader || fail "the reader has ended"
kill $reader
expect "resets because of failures" "$(cat /sys/bus/*virtio/devices/"$virtio"/recovery/resets)" 0
