// SPDX-License-Identifier: GPL-2.0

//! What a ring looks like at a moment, for people who search for a fault.

use super::{
    state::State,
    violation::Violation, //
};
use core::fmt;

/// The state of a ring. Values that the device has written may be anything, and nothing depends on them.
#[derive(Clone, Copy, Debug)]
pub struct Snapshot {
    pub(super) size: u16,
    pub(super) free: u16,
    pub(super) in_flight: u16,
    /// Buffers that were added since the device was last asked whether to notify it.
    pub(super) undecided: u32,
    pub(super) callbacks: bool,
    pub(super) state: State,
    pub(super) indices: Indices,
}

/// Positions of driver and device in a ring.
#[derive(Clone, Copy, Debug)]
pub(super) enum Indices {
    Split {
        /// What the driver has filled, published and taken.
        filled: u16,
        avail: u16,
        taken: u16,
        /// What the device has published.
        used: u16,
        /// When either side wants a notification.
        avail_event: u16,
        used_event: u16,
    },
    /// Positions have the wrap counter in the upper bit, and events the flags in the upper half.
    Packed {
        next_avail: u16,
        next_used: u16,
        device_event: u32,
        driver_event: u32,
    },
}

impl Snapshot {
    /// Returns the violation that has broken the ring, if one has.
    pub fn broken(&self) -> Option<Violation> {
        self.state.violation()
    }
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            size,
            free,
            in_flight,
            undecided,
            ..
        } = self;
        write!(
            f,
            "size {size} free {free} in_flight {in_flight} undecided {undecided} {}",
            self.indices
        )?;
        f.write_str(if self.callbacks {
            " callbacks on"
        } else {
            " callbacks off"
        })?;
        write!(f, " {}", self.state)
    }
}

impl fmt::Display for Indices {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Split {
                filled,
                avail,
                taken,
                used,
                avail_event,
                used_event,
            } => write!(
                f,
                "filled {filled} avail {avail} used {used} taken {taken} \
                 avail_event {avail_event} used_event {used_event}"
            ),
            Self::Packed {
                next_avail,
                next_used,
                device_event,
                driver_event,
            } => write!(
                f,
                "next_avail {next_avail:#06x} next_used {next_used:#06x} \
                 device_event {device_event:#010x} driver_event {driver_event:#010x}"
            ),
        }
    }
}
