// SPDX-License-Identifier: GPL-2.0

//! Doorbells: how the driver tells the device that buffers are available.

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
/// `addr` is mapped I/O memory, valid for a 16-bit write for all of `'a`.
#[derive(Clone, Copy)]
pub struct Doorbell<'a> {
    addr: NonNull<c_void>,
    index: u16,
    _transport: PhantomData<&'a ()>,
}

// SAFETY: Writing to a doorbell is atomic, and allowed from any context and CPU.
unsafe impl Send for Doorbell<'_> {}
// SAFETY: As above.
unsafe impl Sync for Doorbell<'_> {}

impl<'a> Doorbell<'a> {
    /// Creates the doorbell of queue `index`.
    ///
    /// # Safety
    ///
    /// `addr` must be mapped I/O memory, aligned to two bytes and valid for a 16-bit write, for
    /// all of `'a`.
    pub unsafe fn new(addr: NonNull<c_void>, index: u16) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            addr,
            index,
            _transport: PhantomData,
        }
    }

    /// Tells the device to look at the queue (virtio 1.4, 4.1.5.2).
    #[inline]
    fn ring(self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::writew(self.index, self.addr.as_ptr()) }
    }
}

/// A notification that is due.
///
/// A doorbell costs an exit to the hypervisor, a thousand instructions and more, so it is fired
/// when the queue's lock is no longer held.
#[must_use = "the device does not see the buffers until it is notified"]
pub struct Kick<'a>(Doorbell<'a>);

impl<'a> Kick<'a> {
    #[inline]
    pub(crate) fn new(doorbell: Doorbell<'a>) -> Self {
        Self(doorbell)
    }

    /// Sends the notification.
    #[doc(alias = "virtqueue_notify")]
    #[inline]
    pub fn notify(self) {
        self.0.ring();
    }
}
