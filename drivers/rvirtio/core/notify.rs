// SPDX-License-Identifier: GPL-2.0

//! Doorbells: how the driver tells the device that buffers are available.

use crate::spec::ring::NotifyWidth;
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    ffi::c_void, //
};

/// The address of a queue's doorbell and the value that belongs there, worked out once.
///
/// # Invariants
///
/// `addr` is mapped I/O memory, valid for a write of `width` for all of `'a`.
#[derive(Clone, Copy)]
pub struct Doorbell<'a> {
    addr: NonNull<c_void>,
    id: u16,
    width: NotifyWidth,
    _transport: PhantomData<&'a ()>,
}

// SAFETY: Writing to a doorbell is atomic, and allowed from any context and CPU.
unsafe impl Send for Doorbell<'_> {}
// SAFETY: As above.
unsafe impl Sync for Doorbell<'_> {}

impl<'a> Doorbell<'a> {
    /// Creates the doorbell of the queue that the device knows as `id`: its index or, with
    /// `NOTIF_CONFIG_DATA`, what the device has said.
    ///
    /// # Safety
    ///
    /// `addr` must be mapped I/O memory, valid and aligned for a write of `width`, for all of
    /// `'a`.
    pub unsafe fn new(addr: NonNull<c_void>, id: u16, width: NotifyWidth) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            addr,
            id,
            width,
            _transport: PhantomData,
        }
    }

    /// Whether a notification has data, so that the order of several matters.
    #[inline]
    pub(crate) fn has_data(self) -> bool {
        self.width == NotifyWidth::Bits32
    }

    /// Tells the device to look at the queue (virtio 1.4, 4.1.5.2). `data` is how far the driver
    /// is, for a doorbell that takes it.
    #[doc(alias = "vp_notify")]
    #[doc(alias = "vp_notify_with_data")]
    #[inline]
    pub(crate) fn ring(self, data: u16) {
        match self.width {
            // SAFETY: By the type invariant.
            NotifyWidth::Bits16 => unsafe { bindings::writew(self.id, self.addr.as_ptr()) },
            NotifyWidth::Bits32 => {
                let value = u32::from(self.id) | (u32::from(data) << 16);
                // SAFETY: By the type invariant.
                unsafe { bindings::writel(value, self.addr.as_ptr()) }
            }
        }
    }
}

/// A notification that is due.
///
/// A doorbell costs an exit to the hypervisor, a thousand instructions and more, so it is fired
/// when the queue's lock is no longer held.
#[must_use = "the device does not see the buffers until it is notified"]
pub struct Kick<'a>(Doorbell<'a>);

impl<'a> Kick<'a> {
    /// Must not be one that takes data.
    #[inline]
    pub(crate) fn new(doorbell: Doorbell<'a>) -> Self {
        Self(doorbell)
    }

    /// Sends the notification.
    #[doc(alias = "virtqueue_notify")]
    #[inline]
    pub fn notify(self) {
        self.0.ring(0);
    }
}
