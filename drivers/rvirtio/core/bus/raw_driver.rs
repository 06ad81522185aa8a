// SPDX-License-Identifier: GPL-2.0

//! Drivers as the bus sees them.

use crate::{
    device::Device,
    device_id::RawId, //
};
use core::mem::offset_of;
use kernel::{
    bindings,
    device::CoreInternal,
    ffi::c_int,
    prelude::*, //
};

/// A driver as the bus sees it.
#[repr(C)]
pub struct RawDriver {
    pub(crate) driver: bindings::device_driver,
    pub(crate) ids: *const RawId,
    pub(crate) probe: fn(&Device<CoreInternal<'_>>) -> c_int,
    pub(crate) remove: fn(&Device<CoreInternal<'_>>),
}

const _: () = assert!(offset_of!(RawDriver, driver) == 0);

impl Default for RawDriver {
    fn default() -> Self {
        Self {
            driver: pin_init::zeroed(),
            ids: core::ptr::null(),
            probe: |_| ENODEV.to_errno(),
            remove: |_| (),
        }
    }
}

impl RawDriver {
    /// Returns the first entry of the id table that matches `dev`.
    pub(crate) fn find(&self, dev: &Device) -> Option<&'static RawId> {
        // SAFETY: `register` has set `ids` to a static table that ends with an all-zero entry.
        unsafe { find(self.ids, &dev.id()) }
    }
}

/// Returns the first entry of an id table that matches a device.
///
/// # Safety
///
/// `ids` must be a static table that ends with an all-zero entry.
pub(crate) unsafe fn find(ids: *const RawId, device: &RawId) -> Option<&'static RawId> {
    let mut next = ids;
    loop {
        // SAFETY: The table is static and ends with an all-zero entry (safety requirement), which
        // was not reached yet.
        let id: &'static RawId = unsafe { &*next };
        if id.is_end() {
            return None;
        }
        if id.matches(device) {
            return Some(id);
        }
        // SAFETY: `id` is not the all-zero entry, so another entry follows.
        next = unsafe { next.add(1) };
    }
}
