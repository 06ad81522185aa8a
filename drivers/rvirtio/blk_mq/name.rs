// SPDX-License-Identifier: GPL-2.0

//! Allocation of disk names.

use crate::{
    helpers::rvirtio_blk_name_ida,
    letters, //
};
use kernel::{
    bindings,
    error::to_result,
    ffi::c_uint,
    prelude::*, //
};

/// The length of a disk name in bytes, with the terminating 0.
#[doc(alias = "DISK_NAME_LEN")]
pub(crate) const NAME_LEN: usize = bindings::DISK_NAME_LEN as usize;

/// A number that no other disk of this module has.
///
/// # Invariants
///
/// The number is allocated, and this value owns it.
pub(crate) struct NameIndex(u32);

impl NameIndex {
    /// Allocates the smallest free number.
    pub(crate) fn allocate() -> Result<Self> {
        // SAFETY: The allocator is initialised statically and does its own locking.
        let index = unsafe {
            bindings::ida_alloc_range(
                &raw mut rvirtio_blk_name_ida,
                0,
                c_uint::MAX,
                bindings::GFP_KERNEL,
            )
        };
        to_result(index)?;
        // INVARIANT: It was just allocated.
        // CAST: `to_result` has checked that it is not negative.
        Ok(Self(index as u32))
    }

    /// Returns the name for `prefix` and this number.
    pub(crate) fn name(&self, prefix: &[u8]) -> Result<[u8; NAME_LEN]> {
        letters::append(prefix, self.0).ok_or(EINVAL)
    }
}

impl Drop for NameIndex {
    fn drop(&mut self) {
        // SAFETY: The number is allocated, and this value owns it (type invariant).
        unsafe { bindings::ida_free(&raw mut rvirtio_blk_name_ida, self.0) }
    }
}
