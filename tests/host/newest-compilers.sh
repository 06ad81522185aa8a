#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The modules build without a warning with Debian's newest rustc, bindgen and gcc. Debian's kernels, which others
# made, do not load the result: the compiler is part of the names of symbols.
#
# full: yes
# timeout: 1800

. "$REPO/tests/host/lib/machine.sh"

"$REPO/tools/vm" in newest -- sh -c 'rustc --version; bindgen --version; gcc --version | head -n 1' >versions 2>newest.err || {
	tail -n 5 newest.err
	fail "Debian's newest compilers cannot be had: see above"
}
cat versions
"$REPO/tools/vm" in machine -- sh -c '
	cp /usr/src/linux-source-*.tar.xz /lib/modules/*/build/.config /lib/modules/*/build/Module.symvers .' 2>machine.err || {
	tail -n 5 machine.err
	fail 'the source of the kernel cannot be had: see above'
}
mkdir source kernel
tar -C "$REPO" --exclude-vcs --exclude-vcs-ignores -c Kbuild Makefile drivers samples | tar -C source -x

cat >build.sh <<-'BUILD'
	tar -C kernel --strip-components=1 --no-same-owner -xf linux-source-*.tar.xz
	mv .config kernel
	make -C kernel olddefconfig
	make -C kernel -j"$(nproc)" modules_prepare
	grep '^CONFIG_RUST=y' kernel/.config

	# What the kernel would export if it had been built by these compilers.
	sed -n 's/^EXPORT_SYMBOL_RUST_GPL(\(.*\));$/\1/p' kernel/rust/exports_*_generated.h | sort -u >ours
	awk -F '\t' '$3 == "vmlinux" { print $2 }' Module.symvers | sort -u >theirs
	comm -23 ours theirs >lacking
	sed 's/.*/0x00000000\t&\tvmlinux\tEXPORT_SYMBOL_GPL\t/' lacking | cat Module.symvers - >kernel/Module.symvers
	make -C source -j"$(nproc)" KDIR="$PWD/kernel" W=1 modules >modules.log 2>&1
BUILD
"$REPO/tools/vm" in newest -- sh -ex ./build.sh >build.log 2>&1 || {
	tail -n 40 build.log modules.log
	fail 'the modules do not build'
}
if grep -n -i -A 12 -E '(^|: )(warning|error)(:|\[)' modules.log; then
	fail 'the compilers warn'
fi
for module in rvirtio rvirtio_pci rvirtio_blk rvirtio_net rvirtio_scsi rvirtio_rng; do
	[ -f "source/drivers/rvirtio/$module.ko" ] || fail "there is no $module.ko"
done
echo "no warning; the kernel lacks $(wc -l <lacking) of $(wc -l <ours) symbols of the crates that these compilers make"
[ -s lacking ] || fail 'the kernel was built by the same compilers: then it can load the modules, and this test is to do so'
