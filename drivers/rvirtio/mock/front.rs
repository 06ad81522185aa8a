// SPDX-License-Identifier: GPL-2.0

//! The subsystem of the front end: it calls the front end while the device is running, until it is
//! unbound. Here these calls are made by tests.

use core::any::Any;
use kernel::prelude::*;

/// A front end that tests can call.
pub trait Front: Sync {
    /// Executes a command of a test. Called by one thread at a time; may sleep.
    ///
    /// # Errors
    ///
    /// Any error.
    fn call(&self, command: &dyn Any) -> Result<usize>;
}

/// A [`Front`] without its type.
///
/// # Invariants
///
/// `call(data, _)` may be called for as long as this exists.
pub(crate) struct Erased {
    data: *const (),
    call: unsafe fn(*const (), &dyn Any) -> Result<usize>,
}

// SAFETY: The value is a shared reference to a front end without its type, and the front end is
// `Sync`.
unsafe impl Send for Erased {}

impl Erased {
    /// # Safety
    ///
    /// The value must be dropped before `front`.
    pub(crate) unsafe fn new<T: Front>(front: &T) -> Self {
        /// # Safety
        ///
        /// `data` must be a valid `T`.
        unsafe fn call<T: Front>(data: *const (), command: &dyn Any) -> Result<usize> {
            // SAFETY: `data` is a valid `T` (safety requirement).
            unsafe { &*data.cast::<T>() }.call(command)
        }
        let data: *const T = front;
        // INVARIANT: `data` is a valid `T`, because the value is dropped before `front` (safety
        // requirement).
        Self {
            data: data.cast(),
            call: call::<T>,
        }
    }

    pub(crate) fn call(&self, command: &dyn Any) -> Result<usize> {
        // SAFETY: `call(data, _)` may be called while `self` exists (type invariant).
        unsafe { (self.call)(self.data, command) }
    }
}
