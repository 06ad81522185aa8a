// SPDX-License-Identifier: GPL-2.0

//! Counters of what went wrong, for sysfs.

use core::sync::atomic::{
    AtomicU64,
    Ordering::Relaxed, //
};

/// A number of events, or of bytes.
pub struct Counter(AtomicU64);

impl Counter {
    const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `n`. Callable from any context.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Relaxed)
    }
}

/// The counters of a device, from when it is added to the bus until it is removed. None of them
/// changes while the device works.
pub struct Counters {
    /// Resets of a device that was in use, other than those by which it is unbound.
    pub(crate) resets: Counter,
    /// Requests that were not completed in time.
    pub timeouts: Counter,
    /// Requests that the device had completed without an interrupt.
    pub lost_interrupts: Counter,
    /// Queues that went on after the device was notified a second time.
    pub lost_notifications: Counter,
    /// Requests that were sent again, because the device was reset.
    pub requeues: Counter,
    /// Memory that is never freed, because the device has not confirmed a reset.
    pub(crate) leaked_bytes: Counter,
}

impl Counters {
    pub(crate) const fn new() -> Self {
        Self {
            resets: Counter::new(),
            timeouts: Counter::new(),
            lost_interrupts: Counter::new(),
            lost_notifications: Counter::new(),
            requeues: Counter::new(),
            leaked_bytes: Counter::new(),
        }
    }
}
