// SPDX-License-Identifier: GPL-2.0

//! The work that a host does in a thread, such as looking for devices.
//!
//! It may take long, and wait for the device, so it is not done in interrupt threads. It is not done
//! while the machine is suspended either.

use kernel::{
    bindings,
    ffi::c_int,
    prelude::*,
    static_lock_class,
    types::Opaque, //
};

/// A work item.
#[pin_data]
#[repr(transparent)]
pub(crate) struct Work {
    #[pin]
    work: Opaque<bindings::work_struct>,
}

// SAFETY: A work item can be queued and disabled by any thread.
unsafe impl Send for Work {}
// SAFETY: All functions that take the work item are synchronised by the workqueue.
unsafe impl Sync for Work {}

/// The function of a work item.
pub(crate) type WorkFn = unsafe extern "C" fn(*mut bindings::work_struct);

impl Work {
    /// Returns the initialiser of a work item that calls `run`, which may be called at any time
    /// from [`Work::queue`] until [`Work::disable`].
    pub(crate) fn new(run: WorkFn) -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(|work| {
                // SAFETY: `work` is valid for writes, and is not moved afterwards; name and lock
                // class are static.
                unsafe {
                    bindings::init_work_with_key(
                        work,
                        Some(run),
                        false,
                        c"scsi_host::Work".as_char_ptr(),
                        static_lock_class!().as_ptr(),
                    )
                }
            }),
        })
    }

    /// Queues the work, unless it is queued already, or disabled. Callable from any context.
    pub(crate) fn queue(&self) {
        // SAFETY: The work item is initialised, and the kernel has this workqueue for good.
        unsafe {
            bindings::queue_work_on(
                bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
                bindings::system_freezable_wq,
                self.work.get(),
            )
        };
    }

    /// Disables the work for good, and waits until it is not running.
    pub(crate) fn disable(&self) {
        // SAFETY: The work item is initialised.
        unsafe { bindings::disable_work_sync(self.work.get()) };
    }
}
