// SPDX-License-Identifier: GPL-2.0

//! What the driver may rely on about callbacks.

use super::Machine;
use crate::ring::{Arm, More};

/// What the driver may rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Callback {
    /// The device must call for the next used buffer.
    Next,
    /// The device must call before it has used so many more buffers, or descriptors of a packed
    /// ring: whatever it counts by.
    Within(u16),
    /// The device should not call.
    None,
    /// It may or may not call.
    Any,
}

impl Machine {
    /// The driver asks for a callback.
    pub fn arm(&mut self, arm: Arm) -> More {
        self.callbacks = true;
        self.unarmed = false;
        let available =
            self.available() + self.used.iter().map(|(b, _)| self.steps(b)).sum::<u16>();
        let more = self.ring.arm(arm);
        self.callback = match more {
            More::Pending => {
                assert!(!self.used.is_empty());
                Callback::Any
            }
            More::Nothing if arm == Arm::Next || !self.config.event_idx => {
                assert!(self.used.is_empty());
                Callback::Next
            }
            More::Nothing => {
                // Later than the ones that are used already.
                let used: u16 = self.used.iter().map(|(b, _)| self.steps(b)).sum();
                let within = match arm {
                    Arm::Next => 1,
                    Arm::After(count) => available.min(count.saturating_add(1)),
                    Arm::MostInFlight => available,
                };
                assert!(used == 0 || within > used, "a callback for what is used");
                // With nothing available, the next one.
                Callback::Within((within - used.min(within)).max(1))
            }
        };
        more
    }

    pub(super) fn disable(&mut self) {
        self.ring.disable_cb();
        self.callbacks = false;
        // With an event index the device may still call once.
        self.callback = match self.config.event_idx {
            true => Callback::Any,
            false => Callback::None,
        };
    }

    /// The driver disables callbacks, and takes back what it asked for.
    pub fn silence(&mut self) {
        self.ring.silence();
        self.callbacks = false;
        self.callback = Callback::None;
    }

    /// A buffer was popped.
    pub(super) fn popped_one(&mut self) {
        if !self.callbacks || !self.config.event_idx {
            return;
        }
        self.unarmed = false;
        // A later one that was asked for is forgotten once all that is known is popped.
        self.callback = match self.used.is_empty() {
            true => Callback::Next,
            false => Callback::Any,
        };
    }

    /// There was nothing to pop.
    pub(super) fn popped_nothing(&mut self) {
        self.unarmed = false;
        self.callback = match (self.callbacks, self.callback) {
            // Buffers were taken without a look at callbacks, and a later one may still be armed.
            (true, Callback::Any) => Callback::Within(self.available().max(1)),
            (true, armed) => armed,
            (false, _) => Callback::None,
        };
    }

    /// The device has used buffers, by which it got on by `steps`, and has called or not.
    pub(super) fn check_called(&mut self, called: bool, steps: u16) {
        self.callback = match self.callback {
            Callback::Next if !self.config.event_idx => {
                assert!(called, "no callback although enabled");
                Callback::Next
            }
            Callback::Next => {
                assert!(called, "no callback for the next buffer");
                Callback::Any
            }
            Callback::Within(n) if called || n > steps => match called {
                true => Callback::Any,
                false => Callback::Within(n - steps),
            },
            Callback::Within(n) => panic!("no callback within {n} of {:?}", self.layout),
            Callback::None => {
                assert!(!called, "callback although disabled");
                Callback::None
            }
            Callback::Any => Callback::Any,
        };
    }

    /// Checks the contract of callbacks: while they are enabled, one is armed or a buffer pending,
    /// unless buffers were taken by `used`; and the ring knows which of the two it is.
    pub(super) fn check_callback(&self) {
        let within = match self.callback {
            _ if !self.callbacks => {
                assert!(!self.ring.is_armed());
                return;
            }
            Callback::Next => 1,
            Callback::Within(n) => n,
            // After `used`, or while something is pending.
            Callback::Any if self.ring.is_armed() && self.used.is_empty() => {
                self.available().max(1)
            }
            Callback::Any => {
                let pending = !self.used.is_empty();
                assert!(
                    pending || self.unarmed,
                    "none is armed and nothing is pending"
                );
                return;
            }
            Callback::None => panic!("callbacks are enabled"),
        };
        assert!(self.ring.is_armed());
        let would_call = self.device.would_call(within.into()).unwrap();
        assert!(would_call, "no callback is armed and nothing is pending");
    }

    /// Returns whether the device calls at the latest when it has used all that it has now.
    pub fn would_call(&self) -> bool {
        let available = self.available().max(1).into();
        self.device.would_call(available).unwrap()
    }
}
