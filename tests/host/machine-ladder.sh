#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# A machine whose root disk is to be taken over at boot comes up with the kernel's drivers when that goes wrong.
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

show="$ROOT_DRIVER"'
	dmesg | grep rvirtio:'
modules=usr/lib/modules/$release/updates/rvirtio
status=0

# row NAME PATTERN STEP APPEND [QEMU...]: the root disk is the C driver's, and PATTERN is said.
row() {
	name=$1 pattern=$2
	shift 2
	if (boot "$@" && says out 'root: virtio_blk$' "$pattern") >row.out 2>&1; then
		echo "ok: $name"
	else
		echo "FAIL: $name" && cat row.out && status=1
	fi
	initrd=initrd
	rm -rf more
}

row off 'root: virtio_blk' "$show" 'rvirtio=root,off'

mkdir -p more/$modules && : >more/$modules/rvirtio_pci.ko
change_initrd
row 'damaged module' 'rvirtio_pci cannot be loaded' "$show" 'rvirtio=root'

# Its names of symbols have core's hash in them.
mkdir -p more/$modules && sed 's/7rvirtio/7rvirtiX/g' root/$modules/rvirtio_blk.ko >more/$modules/rvirtio_blk.ko
change_initrd
row 'driver for another core' '0000:00:01.0 has no driver in rvirtio that can be loaded' "$show" 'rvirtio=root'

row 'not signed' 'rvirtio_pci cannot be loaded' "$show
	rvirtio-ctl enable root" 'rvirtio=root lockdown=integrity'
says out 'mokutil --import'

row 'not accepted' '0000:00:01.0 was not accepted, and went back' "$show" 'rvirtio=root' \
	-global virtio-blk-pci.disable-modern=on -global virtio-blk-pci.disable-legacy=off

row 'no root file system' '0000:00:01.0 went back to the kernel.s driver' "$show" \
	'rvirtio=root rvirtio_blk.name_prefix=rvd root=/dev/vda'

# A kernel for which the modules were not built: they are not in the initramfs made for it.
in_machine sh -c "mv /$modules /opt && depmod $release && update-initramfs -u -k $release" >update.out 2>&1 || cat update.out
cp root/boot/initrd.img-* absent.initrd
initrd=absent.initrd
row 'modules absent' 'at this boot: rvirtio=root' "$show
	rvirtio-ctl status" 'rvirtio=root'

# GRUB boots from here on.
keep=off
boot "$show
	rvirtio-ctl enable --at-boot root
	rvirtio-ctl status"
says out 'at the next boot: rvirtio=root$'

boot_grub "$ROOT_DRIVER
	systemctl start rvirtio
	grub-editenv - list
	cat /proc/sys/kernel/panic /proc/sys/kernel/panic_on_oops"
says out 'root: rvirtio_blk$'
if [ "$(grep -v '^root:' out | xargs)" = '0 0' ]; then
	echo 'ok: a boot that comes up counts no more'
else
	echo 'FAIL: a boot that comes up' && cat out && status=1
fi

cp -r "$REPO/tests/host/lib/crash" . && "$REPO/tools/vm" in machine -- make -C "/lib/modules/$release/build" M="$PWD/crash" modules >make.out 2>&1 ||
	{ cat make.out && fail 'no module that crashes'; }
mkdir -p more/etc/modprobe.d && cp crash/rvirtio_crash.ko more/
echo 'install rvirtio_blk insmod /rvirtio_crash.ko; /sbin/modprobe --ignore-install rvirtio_blk' >more/etc/modprobe.d/crash.conf
change_initrd
change_disk broken.initrd "/boot/initrd.img-$release"
boot_grub "$show
	rvirtio-ctl status"
if (says out 'root: virtio_blk$' 'at this boot: nothing was taken over' 'at the next boot: nothing, as two boots') >row.out 2>&1 &&
	[ "$(grep -c 'kernel BUG at' console) $(grep -c 'Kernel panic' console)" = '2 2' ]; then
	echo 'ok: crash'
else
	echo 'FAIL: crash' && cat row.out && tail -n 100 console && status=1
fi

exit $status
