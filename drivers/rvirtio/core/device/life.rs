// SPDX-License-Identifier: GPL-2.0

//! The state of a device: whether it may access the memory that was shared with it.
//!
//! The memory safety of queues depends on this. Memory that was shared with the device is only
//! freed once its reset is confirmed, and a queue only gives buffers to a device that is in the
//! epoch in which the queue was enabled. An epoch ends with a confirmed reset.
//!
//! | From | By | To | Meaning of the new state |
//! |---|---|---|---|
//! | stopped | [`Life::begin`] | starting | queues are being enabled |
//! | starting | [`Life::run`] | running | DRIVER_OK is set |
//! | starting, running | [`Life::begin_stop`] | stopping | the device is being reset |
//! | stopping | [`Life::end_stop`] | stopped, next epoch | the device has confirmed its reset |
//!
//! A device that does not confirm its reset stays in *stopping*: memory that was shared with it is
//! not freed, and it cannot be started, unless a later reset is confirmed.
//!
//! This file only uses atomics, so that it can be tested on the host under loom.

use crate::atomic::{
    AtomicU32,
    Ordering, //
};

/// The state in the low two bits, and the number of the epoch in the others.
///
/// [`STARTING`] and [`RUNNING`] only differ in the lowest bit, so that one comparison is enough to
/// find out whether a queue may be used.
type Word = u32;

const STOPPED: Word = 0;
const STOPPING: Word = 1;
const STARTING: Word = 2;
const RUNNING: Word = 3;
const STATE: Word = 3;

/// The number of the first epoch. Number 0 is [`Epoch::NONE`].
const FIRST: Word = STATE + 1;

/// The state of a device, with the number of its epoch.
pub(crate) struct Life(AtomicU32);

/// The epoch in which a queue was enabled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Epoch(Word);

impl Epoch {
    /// The epoch of a queue that is not enabled. No device is ever in it.
    pub(crate) const NONE: Self = Self(0);
}

impl Life {
    /// Returns the state of a device that was never started.
    #[allow(clippy::new_without_default, reason = "there is no use for a default")]
    pub(crate) fn new() -> Self {
        Self(AtomicU32::new(FIRST | STOPPED))
    }

    /// Starts a device that is stopped. Returns the epoch that begins, or `None` in any other
    /// state.
    pub(crate) fn begin(&self) -> Option<Epoch> {
        let stopped = self.0.load(Ordering::Relaxed);
        if stopped & STATE != STOPPED {
            return None;
        }
        let starting = stopped | STARTING;
        // Acquire: the last reset happens before memory is shared with the device again.
        self.0
            .compare_exchange(stopped, starting, Ordering::Acquire, Ordering::Relaxed)
            .ok()
            .map(|stopped| Epoch(stopped | RUNNING))
    }

    /// Records that DRIVER_OK is set. Returns `false` unless the device is starting.
    pub(crate) fn run(&self) -> bool {
        let word = self.0.load(Ordering::Relaxed);
        let (starting, running) = (word & !STATE | STARTING, word | STATE);
        self.0
            .compare_exchange(starting, running, Ordering::Release, Ordering::Relaxed)
            .is_ok()
    }

    /// Claims the right to reset the device. Returns `false` if the device is not in use, or if
    /// somebody else is already resetting it.
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

    /// Records that a reset was confirmed, so that the device no longer accesses memory. Does
    /// nothing unless the device was stopping.
    pub(crate) fn end_stop(&self) {
        let word = self.0.load(Ordering::Relaxed);
        let stopping = word & !STATE | STOPPING;
        // The epoch wraps after 2^30 resets of a device.
        let stopped = (word & !STATE).wrapping_add(FIRST);
        let _ = self
            .0
            .compare_exchange(stopping, stopped, Ordering::Release, Ordering::Relaxed);
    }

    /// Returns the epoch in which queues can be enabled now, if there is one.
    pub(crate) fn epoch(&self) -> Option<Epoch> {
        let word = self.0.load(Ordering::Relaxed);
        matches!(word & STATE, STARTING | RUNNING).then_some(Epoch(word | RUNNING))
    }

    /// Returns whether a queue that was enabled in `epoch` accepts buffers.
    #[inline]
    pub(crate) fn takes_buffers(&self, epoch: Epoch) -> bool {
        self.0.load(Ordering::Relaxed) | (STARTING ^ RUNNING) == epoch.0
    }

    /// Returns whether a queue that was enabled in `epoch` may notify the device.
    #[inline]
    pub(crate) fn is_running(&self, epoch: Epoch) -> bool {
        self.0.load(Ordering::Relaxed) == epoch.0
    }

    /// Returns whether `epoch` has ended, so that the device no longer accesses memory that was
    /// shared with it in that epoch.
    pub(crate) fn has_ended(&self, epoch: Epoch) -> bool {
        // Acquire: the reset happens before the memory is freed.
        let word = self.0.load(Ordering::Acquire);
        word & !STATE != epoch.0 & !STATE
    }

    /// Returns whether DRIVER_OK is set.
    pub(crate) fn has_started(&self) -> bool {
        self.0.load(Ordering::Acquire) & STATE == RUNNING
    }

    /// Returns whether the device no longer accesses any memory that was shared with it.
    pub(crate) fn is_stopped(&self) -> bool {
        // Acquire: the reset happens before the memory is freed.
        self.0.load(Ordering::Acquire) & STATE == STOPPED
    }
}
