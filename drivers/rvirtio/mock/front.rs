// SPDX-License-Identifier: GPL-2.0

//! What a subsystem is for other drivers: what calls into the front end, from when the device runs
//! until it is unbound. Here it is tests that do.

use core::any::Any;
use kernel::prelude::*;

/// A front end that tests can call.
pub trait Front: Sync {
    /// Does what a test wants. Called by one thread at a time, may sleep.
    ///
    /// # Errors
    ///
    /// Any.
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

// SAFETY: It stands for a shared reference to a front end, which is `Sync`.
unsafe impl Send for Erased {}

impl Erased {
    /// # Safety
    ///
    /// It must be dropped before `front` is.
    pub(crate) unsafe fn new<T: Front>(front: &T) -> Self {
        /// # Safety
        ///
        /// `data` must be a valid `T`.
        unsafe fn call<T: Front>(data: *const (), command: &dyn Any) -> Result<usize> {
            // SAFETY: By the safety requirement.
            unsafe { &*data.cast::<T>() }.call(command)
        }
        let data: *const T = front;
        // INVARIANT: By the safety requirement.
        Self {
            data: data.cast(),
            call: call::<T>,
        }
    }

    pub(crate) fn call(&self, command: &dyn Any) -> Result<usize> {
        // SAFETY: By the type invariant.
        unsafe { (self.call)(self.data, command) }
    }
}
