#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A Debian machine with the packages installed boots with the kernel's drivers. After rvirtio-ctl enable its
# root file system is on ours, after disable on the kernel's again, and so it is when the packages are
# removed while ours is in use.
#
# full: yes
# timeout: 1200

. "$REPO/tests/host/lib/machine.sh"

small_machine
release=$(release)
"$REPO/tools/deb" packages "$release" >deb.out 2>&1 || { cat deb.out && fail "no package with modules"; }
"$REPO/tools/deb" packages >deb.out 2>&1 || { cat deb.out && fail "no packages"; }
install_packages ./packages/rvirtio_*.deb "./packages/rvirtio-modules-$release"_*.deb
make_disk
keep=off

show="$ROOT_DRIVER"'
	rvirtio-ctl status
	ls -1 /dev/disk/by-path
	echo "failed: $(systemctl --failed --no-legend)"
	dmesg | grep rvirtio:'

boot "$show
	rvirtio-ctl enable --at-boot 0000:00:09.0; echo refused \$?
	rvirtio-ctl enable root; echo status \$?"
says out 'root: virtio_blk$' 'at this boot: nothing was taken over' '^refused 1$' 'there is no virtio device 0000:00:09.0' \
	'0000:00:01.0 holds the root file system' 'at each boot from the next one on: rvirtio=root$' '^status 0$'
[ "$(after_reboot)" = rvirtio=root ] || fail "GRUB's first entry got: $(after_reboot)"
recovery grub.cfg | grep rvirtio && fail "GRUB's entry for recovery has it too"

boot "$show
	rvirtio-ctl disable; echo status \$?" "$(after_reboot) rvirtio=0000:00:07.0"
says out 'root: rvirtio_blk$' 'block *rvirtio_blk on rvirtio_pci' '^pci-0000:00:01.0$' 'at this boot: rvirtio=root' \
	'at the next boot: rvirtio=root$' 'failed: $' 'rvirtio: 0000:00:01.0 was taken over' \
	'rvirtio: 0000:00:07.0 is no virtio device of this machine' '0000:00:01.0 holds the root file system' '^status 0$'
[ -z "$(after_reboot)" ] || fail "GRUB's first entry got after disable: $(after_reboot)"

boot "$show
	rvirtio-ctl enable root; echo status \$?"
says out 'root: virtio_blk$' 'at the next boot: nothing is enabled' '^status 0$'

boot "$ROOT_DRIVER
	apt-get purge -y rvirtio rvirtio-modules-$release 2>&1; echo status \$?
	$ROOT_DRIVER
	find /lib/modules/ /etc /usr/share /usr/sbin -name '*rvirtio*' ! -path '/etc/apt/*' | sed 's/^/left: /'
	dpkg --audit" "$(after_reboot)"
says out 'root: rvirtio_blk$' '^status 0$'
grep '^left: ' out && fail "something was left"
grep 'root: virtio_blk' out && fail "the root disk was taken away"

words=$(after_reboot)
boot "$ROOT_DRIVER
	dmesg | grep rvirtio:" "${words:-rvirtio=root}"
says out 'root: virtio_blk$'
grep 'rvirtio:' out && fail "something of it is still there"
[ -z "$words" ] || fail "GRUB's first entry got after the removal: $words"
