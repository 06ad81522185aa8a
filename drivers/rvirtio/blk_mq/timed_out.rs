// SPDX-License-Identifier: GPL-2.0

//! Requests that were not completed in time.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use core::{
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        Ordering::Relaxed, //
    }, //
};
use kernel::{
    bindings,
    ffi::c_uint, //
};

/// The largest extension in jiffies.
const EXTENSION: c_uint = 5 * bindings::HZ;

/// What to do about a request that was not completed in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeout {
    /// Nothing, it is completed now.
    Completed,
    /// It gets five seconds more, or as long as it had at first if that is less.
    Extend,
    /// It gets as long again as it had at first. It is being taken back from the device.
    Wait,
}

/// A request that was not completed in time. Somebody else owns it, and may complete it or take it
/// back at any moment.
///
/// # Invariants
///
/// `rq` is a request whose memory belongs to a request of the same queue for `'a`.
pub struct TimedOut<'a> {
    rq: NonNull<bindings::request>,
    _p: PhantomData<&'a ()>,
}

impl TimedOut<'_> {
    /// # Safety
    ///
    /// The block layer must have passed `rq` to its callback for timeouts, which must not return
    /// while the value exists.
    pub(crate) unsafe fn new(rq: NonNull<bindings::request>) -> Self {
        // INVARIANT: The block layer holds a reference to the request during the callback.
        Self {
            rq,
            _p: PhantomData,
        }
    }

    /// Returns the field for the time that the request has, in jiffies.
    fn timeout(&self) -> &AtomicU32 {
        // SAFETY: The memory belongs to a request (type invariant), and the field is aligned. Only
        // the callback, `Request::requeue` and C, which does not race with either, write to it.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.rq.as_ptr()).timeout) }
    }

    /// Returns the time that requests of the queue have, in jiffies.
    fn default_timeout(&self) -> c_uint {
        // SAFETY: The request and its queue are valid (type invariant). A torn read of the timeout
        // is impossible, because it is an aligned word.
        unsafe { (&raw const (*(*self.rq.as_ptr()).q).rq_timeout).read_volatile() }
    }

    /// Returns the extension. One jiffy tells it from what users can set.
    fn extension(&self) -> c_uint {
        self.default_timeout().min(EXTENSION) + 1
    }

    /// Returns whether the request was completed, or taken back from the device.
    #[doc(alias = "blk_mq_request_completed")]
    pub fn is_completed(&self) -> bool {
        // SAFETY: The request is valid (type invariant), and its state is an aligned word.
        let state = unsafe { (&raw const (*self.rq.as_ptr()).state).read_volatile() };
        state != bindings::mq_rq_state_MQ_RQ_IN_FLIGHT
    }

    /// Returns whether the time of the request was extended before.
    pub fn was_extended(&self) -> bool {
        self.timeout().load(Relaxed) == self.extension()
    }

    /// Does what `timeout` says, and returns the result of the callback.
    pub(crate) fn answer(self, timeout: Timeout) -> bindings::blk_eh_timer_return {
        match timeout {
            Timeout::Completed => return bindings::blk_eh_timer_return_BLK_EH_DONE,
            Timeout::Extend => self.timeout().store(self.extension(), Relaxed),
            Timeout::Wait => self.timeout().store(self.default_timeout(), Relaxed),
        }
        bindings::blk_eh_timer_return_BLK_EH_RESET_TIMER
    }
}
