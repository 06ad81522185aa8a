// SPDX-License-Identifier: GPL-2.0

//! Work items: functions that the kernel calls in a thread.

use core::pin::Pin;
use kernel::{
    bindings,
    ffi::c_int,
    prelude::*,
    sync::LockClassKey,
    types::Opaque, //
};

/// A work item.
#[pin_data]
#[repr(transparent)]
pub struct Work {
    #[pin]
    work: Opaque<bindings::work_struct>,
}

// SAFETY: A work item can be queued, cancelled and disabled by any thread.
unsafe impl Send for Work {}
// SAFETY: All functions that take the work item are synchronised by the workqueue.
unsafe impl Sync for Work {}

/// The function of a work item.
pub type WorkFn = unsafe extern "C" fn(*mut bindings::work_struct);

impl Work {
    /// Returns the initialiser of a work item that calls `run`, which may be called at any time from
    /// [`Work::queue`] until [`Work::cancel`] or [`Work::disable`]. `name` and `class` are for lockdep.
    pub fn new(
        run: WorkFn,
        name: &'static CStr,
        class: Pin<&'static LockClassKey>,
    ) -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(move |work| {
                // SAFETY: `work` is valid for writes, and is not moved afterwards; name and lock
                // class are static.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(run),
                        false,
                        name.as_char_ptr(),
                        class.as_ptr(),
                    )
                }
            }),
        })
    }

    /// Queues the work, unless it is queued already, or disabled. Callable from any context.
    ///
    /// # Safety
    ///
    /// The workqueue must exist until the work was done or cancelled.
    pub unsafe fn queue(&self, queue: *mut bindings::workqueue_struct) {
        // SAFETY: The work item is initialised, and the workqueue exists (safety requirement).
        unsafe {
            bindings::queue_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                queue,
                self.work.get(),
            )
        };
    }

    /// Waits until the work that was queued is done.
    pub fn flush(&self) {
        // SAFETY: The work item is initialised.
        unsafe { bindings::flush_work(self.work.get()) };
    }

    /// Cancels the work, and waits until it is not running.
    pub fn cancel(&self) {
        // SAFETY: The work item is initialised.
        unsafe { bindings::cancel_work_sync(self.work.get()) };
    }

    /// Disables the work for good, and waits until it is not running.
    pub fn disable(&self) {
        // SAFETY: The work item is initialised.
        unsafe { bindings::disable_work_sync(self.work.get()) };
    }
}
