// SPDX-License-Identifier: GPL-2.0

//! What keeps a page pool, and with it the mappings of its pages.

use crate::bindings;
use core::ptr::NonNull;
use kernel::bindings::page_pool;

/// Owns the pool as such. Buffers that the device has keep it, where the end of the pool is that of
/// their mappings.
///
/// # Invariants
///
/// `0` is a page pool, destroyed when this is dropped.
pub(crate) struct RawPool(NonNull<page_pool>);

// SAFETY: A page pool can be destroyed by any thread.
unsafe impl Send for RawPool {}
// SAFETY: A shared reference gives a pointer only.
unsafe impl Sync for RawPool {}

impl RawPool {
    /// # Safety
    ///
    /// `raw` must be a page pool that nobody else destroys.
    pub(crate) unsafe fn new(raw: NonNull<page_pool>) -> Self {
        // INVARIANT: It is a page pool, and destroyed by this value alone (safety requirement).
        Self(raw)
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> *mut page_pool {
        self.0.as_ptr()
    }
}

impl Drop for RawPool {
    fn drop(&mut self) {
        // SAFETY: It is a page pool, and not used after this. Pages that are out stay valid.
        unsafe { bindings::page_pool_destroy(self.0.as_ptr()) }
    }
}
