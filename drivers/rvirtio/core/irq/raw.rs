// SPDX-License-Identifier: GPL-2.0

//! An interrupt of the kernel.

use super::handler::Hard;
use kernel::{
    bindings,
    error::to_result,
    ffi::c_void,
    prelude::*,
    str::CString, //
};

/// An interrupt that was requested. Dropping it waits for running handlers and frees it.
///
/// # Invariants
///
/// `irq` was requested with `dev_id`, and the kernel uses `name`.
pub(super) struct Irq {
    irq: u32,
    dev_id: *mut c_void,
    _name: CString,
}

// SAFETY: `free_irq` can be called on any thread.
unsafe impl Send for Irq {}
// SAFETY: There are no methods that take a shared reference.
unsafe impl Sync for Irq {}

impl Irq {
    /// Requests an interrupt.
    ///
    /// # Safety
    ///
    /// It must be sound to call `hard(irq, dev_id)` and, if there is one, `thread(irq, dev_id)`
    /// until the value is dropped. The value must not be leaked.
    #[inline(never)]
    pub(super) unsafe fn request(
        irq: u32,
        name: CString,
        hard: Hard,
        thread: Option<Hard>,
        flags: u32,
        dev_id: *mut c_void,
    ) -> Result<Self> {
        // SAFETY: The handlers may be called until `free_irq` (safety requirements), and `name` is
        // valid until then.
        to_result(unsafe {
            bindings::request_threaded_irq(
                irq,
                Some(hard),
                thread,
                flags as usize,
                name.as_char_ptr(),
                dev_id,
            )
        })?;
        // INVARIANT: `irq` was just requested, with `dev_id` and `name`.
        Ok(Self {
            irq,
            dev_id,
            _name: name,
        })
    }
}

impl Drop for Irq {
    fn drop(&mut self) {
        // SAFETY: `irq` was requested with `dev_id` (type invariant). `_name` is dropped
        // afterwards.
        unsafe { bindings::free_irq(self.irq, self.dev_id) };
    }
}
