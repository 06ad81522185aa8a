// SPDX-License-Identifier: GPL-2.0

//! Whether a device may access the memory that it was told of.
//!
//! All memory safety of queues rests on this: what the device was told of is freed only when its
//! reset is confirmed, and a queue gives buffers only to a device that is in the life in which the
//! queue was enabled.
//!
//! | from | by | to | meaning of the new state |
//! |---|---|---|---|
//! | stopped | [`Life::begin`] | starting | queues are being enabled |
//! | starting | [`Life::run`] | running | DRIVER_OK is set |
//! | starting, running | [`Life::begin_stop`] | stopping | the device is being reset |
//! | stopping | [`Life::end_stop`] | stopped, next epoch | the device has confirmed its reset |
//!
//! A device that does not confirm its reset stays in stopping: what it was told of is never freed,
//! and it cannot be started, unless a later reset is confirmed.
//!
//! Uses only atomics, so that the same file is tested on the host under loom.

use crate::atomic::{
    AtomicU32,
    Ordering, //
};

/// The state in the low two bits, the number of confirmed resets above.
///
/// So that one comparison tells whether a queue may be used, [`STARTING`] and [`RUNNING`] differ in
/// the lowest bit only.
type Word = u32;

const STOPPED: Word = 0;
const STOPPING: Word = 1;
const STARTING: Word = 2;
const RUNNING: Word = 3;
const STATE: Word = 3;

/// The number of the first life. There is none with number 0: that is [`Epoch::NONE`].
const FIRST: Word = STATE + 1;

/// The state of a device, with the number of its life.
pub(crate) struct Life(AtomicU32);

/// The life in which a queue was enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(Word);

impl Epoch {
    /// Of a queue that was not enabled: no device is ever in this one.
    pub(crate) const NONE: Self = Self(0);
}

impl Life {
    /// Returns the life of a device that was never started.
    #[allow(clippy::new_without_default, reason = "there is no use for a default")]
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(FIRST | STOPPED))
    }

    /// Begins a life. Returns `None` unless the device is stopped.
    pub(crate) fn begin(&self) -> Option<Epoch> {
        let stopped = self.0.load(Ordering::Relaxed);
        if stopped & STATE != STOPPED {
            return None;
        }
        let starting = stopped | STARTING;
        // Acquire: memory that is freed and allocated anew was let go of before.
        self.0
            .compare_exchange(stopped, starting, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|stopped| Epoch(stopped | RUNNING))
    }

    /// Says that DRIVER_OK is set. Returns `false` unless the device is starting.
    pub(crate) fn run(&self) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        let (starting, running) = (word & !STATE | STARTING, word | STATE);
        self.0
            .compare_exchange(starting, running, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Takes on the task of resetting the device. Returns `false` when it is not in use, or when
    /// somebody else has taken it on.
    pub(crate) fn begin_stop(&self) -> bool {
        let mut word = self.0.load(Ordering::Relaxed);
        while matches!(word & STATE, STARTING | RUNNING) {
            let stopping = word & !STATE | STOPPING;
            match self
                .0
                .compare_exchange(word, stopping, Ordering::Acquire, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
        false
    }

    /// Says that a reset was confirmed: the device has let go of all memory. Does nothing unless
    /// the device was stopping.
    pub(crate) fn end_stop(&self) {
        let word = self.0.load(Ordering::Relaxed);
        let stopping = word & !STATE | STOPPING;
        // The epoch wraps after 2^30 resets of a device.
        let stopped = (word & !STATE).wrapping_add(FIRST);
        let _ = self
            .0
            .compare_exchange(stopping, stopped, Ordering::Release, Ordering::Relaxed);
    }

    /// Returns the life in which queues can be enabled now.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        let word = self.0.load(Ordering::Relaxed);
        matches!(word & STATE, STARTING | RUNNING).then_some(Epoch(word | RUNNING))
    }

    /// Returns whether a queue that was enabled in `epoch` takes buffers.
    #[inline]
    pub(crate) fn takes_buffers(&self, epoch: Epoch) -> bool {
        self.0.load(Ordering::Relaxed) | (STARTING ^ RUNNING) == epoch.0
    }

    /// Returns whether a queue that was enabled in `epoch` may notify the device.
    #[inline]
    pub(crate) fn is_running(&self, epoch: Epoch) -> bool {
        self.0.load(Ordering::Relaxed) == epoch.0
    }

    /// Returns whether DRIVER_OK is set.
    pub(crate) fn has_started(&self) -> bool {
        self.0.load(Ordering::Acquire) & STATE == RUNNING
    }

    /// Returns whether the device has let go of all memory that it was told of.
    pub(crate) fn is_stopped(&self) -> bool {
        // Acquire: the reset happens before the memory is freed.
        self.0.load(Ordering::Acquire) & STATE == STOPPED
    }
}
