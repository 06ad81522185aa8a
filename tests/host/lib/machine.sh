# SPDX-License-Identifier: GPL-2.0
#
# A Debian machine with systemd: its files are in root/, where packages are installed from outside, as
# compilers are slow in a guest, and go to a disk that is booted.

# What a boot does not need, most of it compilers: a quarter is left.
NOT_BOOTED='usr/lib/rustlib usr/src usr/lib/llvm-19 usr/lib/x86_64-linux-gnu/libLLVM* usr/lib/x86_64-linux-gnu/librustc*
	usr/lib/x86_64-linux-gnu/libclang* usr/libexec/gcc usr/lib/gcc var/cache/apt var/lib/apt/lists usr/share/doc usr/share/man'

# A step: prints which driver has the disk with the root file system.
ROOT_DRIVER='echo "root: $(basename "$(readlink -f "/sys/block/$(basename "$(findmnt -no SOURCE /)")/device/driver")")"'

fail() {
	echo "FAIL: $*"
	exit 1
}

# says FILE PATTERN...: each of them is in the file.
says() {
	file=$1
	shift
	for pattern in "$@"; do
		grep -q -e "$pattern" "$file" || { cat "$file" && fail "not said: $pattern"; }
	done
}

# in_machine COMMAND...: runs it in the machine's files, as root.
in_machine() {
	"$REPO/tools/vm" in machine --copy root -- "$@"
}

excluded() {
	set -f
	for path in $NOT_BOOTED; do
		echo "./$path"
	done
	set +f
}

# small_machine: makes root/, without compilers.
small_machine() {
	excluded >excluded
	mkdir root
	# Not what else is to be seen there.
	"$REPO/tools/vm" in machine -- tar -C / -X excluded -c ./bin ./boot ./etc ./lib ./lib64 ./sbin ./usr ./var | tar -C root -x
	mkdir -p root/dev root/proc root/sys root/run root/tmp root/opt
	[ -d root/usr/lib ] || fail "no machine"
}

release() {
	basename "$(echo root/usr/lib/modules/*)"
}

# install PACKAGE...: files in the current directory.
install_packages() {
	in_machine apt-get install -y --no-install-recommends "$@" >install.out 2>&1 || { tail -n 30 install.out && fail "$* were not installed"; }
}

# make_disk: makes disk.raw of the machine's files, with a service that runs the step of each boot.
make_disk() {
	unit=root/etc/systemd/system/step.service
	cat >$unit <<-UNIT
		[Unit]
		After=basic.target
		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'modprobe qemu_fw_cfg; exec sh /sys/firmware/qemu_fw_cfg/by_name/opt/step/raw'
		StandardOutput=file:/dev/ttyS1
		StandardError=file:/dev/ttyS1
		ExecStopPost=/bin/systemctl poweroff --force
	UNIT
	# GRUB is not installed on the disk, but for what it reads there.
	mkdir -p root/boot/grub
	cp -r root/usr/lib/grub/i386-pc root/boot/grub/
	cat >root/etc/default/grub <<-GRUB
		GRUB_TIMEOUT=0
		GRUB_TERMINAL=serial
		GRUB_CMDLINE_LINUX="console=ttyS0 no_timer_check tsc=nowatchdog"
	GRUB
	mkdir -p root/etc/systemd/system/multi-user.target.wants
	ln -sf ../step.service root/etc/systemd/system/multi-user.target.wants/step.service
	for service in getty@tty1 serial-getty@ttyS0 apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer; do
		case $service in *.*) ;; *) service=$service.service ;; esac
		ln -sf /dev/null root/etc/systemd/system/$service
	done
	echo 'LABEL=machine / ext4 defaults 0 1' >root/etc/fstab
	echo machine >root/etc/hostname
	excluded >excluded
	tar -C root --one-file-system -X excluded --numeric-owner -cf tree.tar . || fail 'no archive of the machine'
	truncate -s $(($(stat -c %s tree.tar) + (500 << 20))) disk.raw
	"$REPO/tools/vm" in build -- mke2fs -q -F -t ext4 -L machine -m 0 -E root_owner=0:0,nodiscard -d tree.tar disk.raw || fail 'no disk'
	rm tree.tar
	cp root/boot/vmlinuz-* vmlinuz
	cp root/boot/initrd.img-* initrd
}

# boot STEP [APPEND [QEMU...]]: boots the machine from its disk, with what is added to the kernel's command
# line, and runs the shell commands STEP in it; their output goes to out. What they write to the disk is
# lost, unless keep=off.
boot() {
	step=$1 append=${2-}
	shift $(($# > 1 ? 2 : 1))
	run_machine "$step" -no-reboot -kernel vmlinuz -initrd "${initrd:-initrd}" \
		-append "root=LABEL=machine ro console=ttyS0 panic=-1 no_timer_check tsc=nowatchdog $append" "$@"
}

# boot_grub STEP: the same by GRUB, which reads its configuration, the kernel and the initramfs from the disk. When
# the machine is reset, it boots again.
boot_grub() {
	if [ ! -f grub.img ]; then
		printf '%s\n' serial 'terminal_input serial' 'terminal_output serial' >early.cfg
		in_machine grub-mkimage -O i386-pc -p '(hd1)/boot/grub' -c early.cfg -o core.img \
			biosdisk ext2 normal serial terminal || fail 'no image of GRUB'
		cat root/usr/lib/grub/i386-pc/boot.img core.img >grub.img
		truncate -s 4M grub.img
	fi
	run_machine "$1" -drive if=none,id=grub,file=grub.img,format=raw,snapshot=on -device ide-hd,drive=grub,bootindex=0
}

# run_machine STEP QEMU...
run_machine() {
	echo "$1" >step
	shift
	accel=tcg
	if grep -q -w -e vmx -e svm /proc/cpuinfo; then accel=kvm:tcg; fi
	: >raw
	"$REPO/tools/vm" in build -- qemu-system-x86_64 -nodefaults -no-user-config -display none \
		-machine q35,accel=$accel -cpu max -smp 2 -m 1G -fw_cfg name=opt/step,file=step \
		-serial file:console -serial file:raw \
		-drive if=none,id=disk,file=disk.raw,format=raw,snapshot=${keep:-on},cache=unsafe \
		-device virtio-blk-pci,drive=disk -device virtio-rng-pci "$@" 2>qemu.err
	# A terminal ends lines in its own way.
	tr -d '\r' <raw >out
	[ -s out ] || { tail -n 40 console && cat qemu.err && fail "the machine did not come up: $*"; }
}

# change_initrd: makes the initramfs broken.initrd, where files from more/ have the place of those there.
change_initrd() {
	cp initrd broken.initrd
	truncate -s %4 broken.initrd
	(cd more && find . | "$REPO/tools/vm" in build -- cpio -o -H newc --quiet) >>broken.initrd
	initrd=broken.initrd
}

# change_disk FILE PATH: makes PATH on the disk a copy of FILE.
change_disk() {
	printf 'rm %s\nwrite %s %s\n' "$2" "$1" "$2" >commands
	"$REPO/tools/vm" in build -- debugfs -w -f commands disk.raw >debugfs.out 2>&1 || { cat debugfs.out && fail "$2 cannot be changed"; }
}

# read_disk FILE: prints a file of the disk.
read_disk() {
	"$REPO/tools/vm" in build -- debugfs -R "cat $1" disk.raw 2>/dev/null
}

# after_reboot: prints what is about rvirtio on the command line of GRUB's first entry, and makes initrd that
# of the disk.
after_reboot() {
	read_disk "/boot/initrd.img-$release" >initrd
	read_disk /boot/grub/grub.cfg >grub.cfg
	sed -n 's/^[[:space:]]*linux[[:space:]]//p' grub.cfg | head -n 1 | tr ' ' '\n' | grep -q '^$rvirtio$' &&
		sed -n "s/^set rvirtio='\(.*\)'$/\1/p" grub.cfg
}

# recovery FILE: prints the command lines of GRUB's entries for recovery.
recovery() {
	grep -E '^[[:space:]]*linux[[:space:]].* single( |$)' "$1" || fail "GRUB has no entry for recovery"
}
