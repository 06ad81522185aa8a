// SPDX-License-Identifier: GPL-2.0

//! What callbacks find in the memory behind a host, which lasts until the last user has closed it.

use crate::{
    bindings,
    host::Host,
    operations::Operations, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Mutex,
        MutexGuard, //
    }, //
};

/// The memory behind a host.
///
/// Most callbacks end before the host is removed. The one by which users request a reset does not: a
/// file that was opened before lets it in later. So it passes a gate, which is closed first.
#[pin_data]
pub(crate) struct Private<'bound, T: Operations> {
    host: *const Host<'bound, T>,
    #[pin]
    open: Mutex<bool>,
}

impl<'bound, T: Operations> Private<'bound, T> {
    /// Returns an initialiser, with the gate closed.
    pub(crate) fn new(host: *const Host<'bound, T>) -> impl PinInit<Self> {
        pin_init!(Self {
            host,
            open <- new_mutex!(false, "scsi_host::Private::open"),
        })
    }

    /// Returns the memory behind a host.
    ///
    /// # Safety
    ///
    /// `shost` must be a valid host of a [`Host`] with operations `T`.
    #[inline]
    pub(crate) unsafe fn of<'a>(shost: *mut bindings::Scsi_Host) -> &'a Self {
        // SAFETY: The host was allocated with room for this, where `Host::new` has initialised it
        // (safety requirement).
        unsafe { &*(&raw const (*shost).hostdata).cast() }
    }

    /// Returns the host.
    ///
    /// # Safety
    ///
    /// It must be there for `'a`: it was added and not removed, or the gate is held open.
    #[inline]
    pub(crate) unsafe fn host<'a>(&self) -> &'a Host<'bound, T> {
        // SAFETY: The host is there (safety requirement).
        unsafe { &*self.host }
    }

    /// Opens or closes the gate. Waits until nobody is inside.
    pub(crate) fn set_open(&self, open: bool) {
        *self.open.lock() = open;
    }

    /// Enters the gate, unless it is closed, and keeps it open for as long as the guard exists.
    pub(crate) fn enter(&self) -> Option<MutexGuard<'_, bool>> {
        let guard = self.open.lock();
        guard.then_some(guard)
    }
}
