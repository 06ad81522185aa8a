// SPDX-License-Identifier: GPL-2.0

//! The kernel that writes the memory of one that has crashed to a disk. It has little memory of its
//! own, so that drivers should take no more than they need for one CPU.
//!
//! C header: [`include/linux/crash_dump.h`](srctree/include/linux/crash_dump.h)

extern "C" {
    fn rvirtio_helper_is_kdump_kernel() -> bool;
}

/// The size of queues in such a kernel. The block layer uses as many requests there.
pub const QUEUE_SIZE: u16 = 64;

/// Returns whether this is such a kernel.
// Not inlined, because other modules cannot call the helper.
#[inline(never)]
pub fn is_kdump_kernel() -> bool {
    // SAFETY: `is_kdump_kernel` has no requirements: it only reads a variable.
    unsafe { rvirtio_helper_is_kdump_kernel() }
}
