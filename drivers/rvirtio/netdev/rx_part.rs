// SPDX-License-Identifier: GPL-2.0

//! Memory with received bytes, which the device is done with.

use crate::rx_page::{
    at,
    copy,
    put, //
};
use core::ptr::NonNull;
use kernel::bindings::page;

/// A part of a page with received bytes, which the device is done with.
///
/// # Invariants
///
/// - `page` is one of a page pool, and one of its references belongs to this value.
/// - The bytes from `offset` to `offset + len` of the page are this value's alone.
pub struct RxPart {
    page: NonNull<page>,
    offset: u32,
    len: u32,
}

// SAFETY: Pages belong to no thread, and pools take them back from any.
unsafe impl Send for RxPart {}

impl RxPart {
    /// # Safety
    ///
    /// `page` must be one of a page pool, of which the caller gives one reference to the value, and the
    /// bytes from `offset` to `offset + len` with it.
    #[inline]
    pub(crate) unsafe fn new(page: NonNull<page>, offset: u32, len: u32) -> Self {
        // INVARIANT: The reference and the bytes are the caller's to give (safety requirements).
        Self { page, offset, len }
    }

    /// Returns its length in bytes.
    #[inline]
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Copies bytes from `offset` on to `to`, if there are so many. See [`RxBuf::read`](crate::RxBuf::read).
    #[inline]
    pub fn read(&self, offset: u32, to: &mut [u8]) -> bool {
        copy(self.cpu(), self.len, offset, to)
    }

    #[inline]
    pub(crate) fn page(&self) -> NonNull<page> {
        self.page
    }

    #[inline]
    pub(crate) fn cpu(&self) -> NonNull<u8> {
        // SAFETY: The page has the bytes (type invariant).
        unsafe { at(self.page, self.offset) }
    }

    /// Where it starts in its page.
    #[inline]
    pub(crate) fn offset(&self) -> u32 {
        self.offset
    }
}

impl Drop for RxPart {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: One reference belongs to the value, which is not used any more.
        unsafe { put(self.page, 1) };
    }
}
