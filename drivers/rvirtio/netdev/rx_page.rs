// SPDX-License-Identifier: GPL-2.0

//! Parts of pages of page pools.

use crate::{
    helpers::*,
    phys::page_address, //
};
use core::ptr::NonNull;
use kernel::{
    bindings::page,
    ffi::c_long, //
};

/// The unit in which pages are given out, in bytes: a cache line.
pub const GRANULE: u32 = 64;

/// Returns where the byte at `offset` of a page is.
///
/// # Safety
///
/// The page must be one of a page pool, and have so many bytes.
#[inline]
pub(crate) unsafe fn at(page: NonNull<page>, offset: u32) -> NonNull<u8> {
    // SAFETY: The caller makes sure that the page has so many bytes. Pages of pools are in the kernel's
    // linear mapping, which does not start at 0.
    unsafe { NonNull::new_unchecked(page_address(page.as_ptr()).add(offset as usize)) }
}

/// Copies bytes of memory of `len` bytes at `from`, which the device may write.
#[inline]
pub(crate) fn copy(from: NonNull<u8>, len: u32, offset: u32, to: &mut [u8]) -> bool {
    let fits = (offset as usize)
        .checked_add(to.len())
        .is_some_and(|end| end <= len as usize);
    if fits {
        // SAFETY: Both have so many bytes. They belong to the value that calls, so that only the
        // device could be writing, which has no reason to.
        unsafe {
            let from = from.as_ptr().add(offset as usize);
            to.as_mut_ptr().copy_from_nonoverlapping(from, to.len());
        }
    }
    fits
}

/// Gives up references to a page, the last of which returns it to its pool.
///
/// # Safety
///
/// `page` must be one of a page pool, and `refs` of its references belong to the caller.
#[inline]
pub(crate) unsafe fn put(page: NonNull<page>, refs: u16) {
    // SAFETY: The caller makes sure that the page is one of a pool and has that many references to
    // give up.
    unsafe { rvirtio_helper_page_pool_put_refs(page.as_ptr(), refs as c_long) }
}
