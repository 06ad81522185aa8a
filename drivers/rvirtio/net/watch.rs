// SPDX-License-Identifier: GPL-2.0

//! What to do about a transmit queue that the stack waits for.

use core::sync::atomic::{
    AtomicU32,
    AtomicU64,
    Ordering, //
};

/// The least number of time-outs from one reset of the device to the next. They are 5 s apart. A device
/// that cannot send may only be waiting for the network, and one that is reset more than three times in a
/// minute is given up.
const RESET_PERIOD: u32 = 13;

/// What is remembered of the time-outs of a queue. One thread at a time uses it.
#[derive(Default)]
pub(crate) struct Watch {
    /// How many frames had been added by the last one.
    added: AtomicU64,
    /// How many time-outs there are to be before the next reset.
    wait: AtomicU32,
}

/// What to do about a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Remedy {
    /// See whether an interrupt is missing.
    Look,
    /// Reset the device.
    Reset,
    /// Nothing.
    Wait,
}

impl Watch {
    /// Returns what to do when the stack has not been able to send for long. `added` is how many frames
    /// were ever added to the queue; no more are while it is stuck.
    pub(crate) fn remedy(&self, added: u64) -> Remedy {
        let wait = self.wait.load(Ordering::Relaxed);
        let remedy = if self.added.swap(added, Ordering::Relaxed) != added {
            Remedy::Look
        } else if wait == 0 {
            Remedy::Reset
        } else {
            Remedy::Wait
        };
        let wait = if remedy == Remedy::Reset {
            RESET_PERIOD
        } else {
            wait.saturating_sub(1)
        };
        self.wait.store(wait, Ordering::Relaxed);
        remedy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queue_is_looked_at_before_the_device_is_reset() {
        let watch = Watch::default();
        assert_eq!(watch.remedy(7), Remedy::Look);
        assert_eq!(watch.remedy(7), Remedy::Reset);
        assert_eq!(watch.remedy(7), Remedy::Wait);
        // It went on in the meantime.
        assert_eq!(watch.remedy(8), Remedy::Look);
        assert_eq!(watch.remedy(8), Remedy::Wait);
    }

    /// Core gives up a device that is reset more than three times within a minute.
    #[test]
    fn device_that_gets_stuck_again_is_reset_less_than_once_in_a_minute() {
        // With frames that are added after each reset, and without.
        for refilled in [0, 256] {
            let watch = Watch::default();
            let (mut added, mut last) = (256, None);
            for seconds in (0..3600).step_by(5) {
                if watch.remedy(added) == Remedy::Reset {
                    assert!(last.is_none_or(|last| seconds - last > 60));
                    last = Some(seconds);
                    added += refilled;
                }
            }
            assert!(last.is_some_and(|last| last > 3500));
        }
    }
}
