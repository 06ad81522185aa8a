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

/// The address of a queue's doorbell and the value to write to it, determined once.
///
/// # Invariants
///
/// `addr` is mapped I/O memory, valid and aligned for a write of `width`, for all of `'a`.
#[derive(Clone, Copy)]
pub struct Doorbell<'a> {
    addr: NonNull<c_void>,
    id: u16,
    width: NotifyWidth,
    _transport: PhantomData<&'a ()>,
}

// SAFETY: Writing to a doorbell is atomic, and allowed from any context and CPU.
unsafe impl Send for Doorbell<'_> {}
// SAFETY: The methods only write to a doorbell, which is atomic and allowed on any CPU.
unsafe impl Sync for Doorbell<'_> {}

impl<'a> Doorbell<'a> {
    /// Creates the doorbell of a queue. `id` is the index of the queue or, with
    /// `NOTIF_CONFIG_DATA`, the value that the device has chosen for it.
    ///
    /// # Safety
    ///
    /// `addr` must be mapped I/O memory, valid and aligned for a write of `width`, for all of
    /// `'a`.
    pub unsafe fn new(addr: NonNull<c_void>, id: u16, width: NotifyWidth) -> Self {
        // INVARIANT: `addr` is valid for writes of `width` for `'a` (safety requirement).
        Self {
            addr,
            id,
            width,
            _transport: PhantomData,
        }
    }

    /// Returns whether notifications carry data, so that their order matters.
    #[inline]
    pub(crate) fn has_data(self) -> bool {
        self.width == NotifyWidth::Bits32
    }

    /// Notifies the device of available buffers (virtio 1.4, 4.1.5.2). `data` is the position of
    /// the driver in the ring; it is only used if notifications carry data.
    #[doc(alias = "vp_notify")]
    #[doc(alias = "vp_notify_with_data")]
    #[inline]
    pub(crate) fn ring(self, data: u16) {
        match self.width {
            // SAFETY: `addr` is valid for a write of `width` (type invariant).
            NotifyWidth::Bits16 => unsafe { bindings::writew(self.id, self.addr.as_ptr()) },
            NotifyWidth::Bits32 => {
                let value = u32::from(self.id) | (u32::from(data) << 16);
                // SAFETY: `addr` is valid for a write of `width` (type invariant).
                unsafe { bindings::writel(value, self.addr.as_ptr()) }
            }
        }
    }
}

/// A notification that has to be sent.
///
/// Writing to a doorbell is an exit to the hypervisor, which costs more than a thousand
/// instructions, so it is best done without holding the lock of the queue.
#[must_use = "the device does not see the buffers until it is notified"]
pub struct Kick<'a>(Doorbell<'a>);

impl<'a> Kick<'a> {
    /// Creates a notification by `doorbell`, which must not carry data.
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
