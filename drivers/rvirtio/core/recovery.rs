// SPDX-License-Identifier: GPL-2.0

//! The workqueue that resets devices which have failed.
//!
//! Resetting a device sleeps, and its disk may hold the swap space of the machine. So the workqueue
//! has a thread in reserve, and does not share it with work that waits for memory.

use crate::work::{
    Work,
    WorkFn, //
};
use core::{
    ptr,
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    },
};
use kernel::{
    bindings,
    prelude::*,
    static_lock_class, //
};

/// The workqueue, from when core is loaded until it is unloaded.
static QUEUE: AtomicPtr<bindings::workqueue_struct> = AtomicPtr::new(ptr::null_mut());

/// Owns the workqueue.
pub(crate) struct RecoveryQueue(());

impl RecoveryQueue {
    /// Creates the workqueue, of which there is one.
    pub(crate) fn create() -> Result<Self> {
        let flags = bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags_WQ_MEM_RECLAIM;
        // SAFETY: The format takes no argument; 0 stands for the default number of threads.
        let queue = unsafe { bindings::alloc_workqueue_noprof(c"rvirtio".as_char_ptr(), flags, 0) };
        if queue.is_null() {
            return Err(ENOMEM);
        }
        QUEUE.store(queue, Ordering::Release);
        Ok(Self(()))
    }
}

impl Drop for RecoveryQueue {
    fn drop(&mut self) {
        let queue = QUEUE.swap(ptr::null_mut(), Ordering::AcqRel);
        // SAFETY: `create` has stored a workqueue. Nobody uses it any more: all devices are gone, as
        // their modules use symbols of this one.
        unsafe { bindings::destroy_workqueue(queue) }
    }
}

/// The work of resetting a device.
#[pin_data]
#[repr(transparent)]
pub(crate) struct RecoveryWork {
    #[pin]
    work: Work,
}

impl RecoveryWork {
    /// Returns the initialiser of a work item that calls `run`, which may be called at any time
    /// from [`RecoveryWork::queue`] until [`RecoveryWork::cancel`].
    pub(crate) fn new(run: WorkFn) -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Work::new(run, c"rvirtio::RecoveryWork", static_lock_class!()),
        })
    }

    /// Queues the work, unless it is queued already. Callable from any context.
    pub(crate) fn queue(&self) {
        // SAFETY: There are devices, so the workqueue exists.
        unsafe { self.work.queue(QUEUE.load(Ordering::Acquire)) };
    }

    /// Waits until the work that was queued is done.
    pub(crate) fn flush(&self) {
        self.work.flush();
    }

    /// Cancels the work, and waits until it is not running.
    pub(crate) fn cancel(&self) {
        self.work.cancel();
    }
}
