#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Crates that were built again are the kernel's only when both export the same Rust symbols. Lists that are empty
# or cannot be read agree with nothing.
#
# timeout: 20

# compares STATUS PATTERN RUST SYMVERS
compares() {
	sh "$REPO/dkms/rust-metadata" --compare "$3" "$4" >out 2>&1
	status=$?
	cat out
	[ $status -eq "$1" ] && grep -q "$2" out || { echo "FAIL: status $status, not $1, or not: $2" && exit 1; }
}

# symbols NAME...: a Module.symvers of a kernel that exports these.
symbols() {
	for name in "$@" kmalloc; do
		printf '0x00000000\t%s\tvmlinux\tEXPORT_SYMBOL_GPL\t\n' "$name"
	done
	printf '0x00000000\t_RNvCs_3drm\tdrivers/gpu/drm/nova\tEXPORT_SYMBOL_GPL\t\n'
}

mkdir crates none more directory
printf 'EXPORT_SYMBOL_RUST_GPL(%s);\n' _RNvCsA_core rust_helper_atomic_read >crates/exports_core_generated.h
printf 'EXPORT_SYMBOL_RUST_GPL(%s);\n' rust_build_error >crates/exports_kernel_generated.h
: >none/exports_core_generated.h
cp crates/* more
echo 'EXPORT_SYMBOL_RUST_GPL(_RNew);' >more/exports_new_generated.h
mkdir crates/kernel

symbols _RNvCsA_core rust_helper_atomic_read rust_build_error >symvers
compares 0 '^rvirtio: 3 exported Rust symbols agree' crates symvers
compares 77 'lacks 1 Rust symbols, such as _RNew, and has 0 Rust symbols' more symvers
symbols _RNvCsB_core rust_helper_atomic_read rust_build_error >other
compares 77 'lacks 1 .* such as _RNvCsA_core, and has 1 .* such as _RNvCsB_core' crates other
symbols >c
compares 1 'exports no Rust symbols' crates c
: >empty
compares 1 'exports no Rust symbols' crates empty
compares 1 'crates of the kernel export nothing' none symvers
for pair in 'nothing symvers' 'directory symvers' 'crates nothing' 'crates directory'; do
	compares 1 'cannot be compared' ${pair}
done
