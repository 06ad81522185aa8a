// SPDX-License-Identifier: GPL-2.0

//! Violations of the specification by a device.

use core::fmt;

/// A violation of the specification, with the values that show it.
#[doc(alias = "BAD_RING")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// The used index advanced by more buffers than the device had.
    UsedIndex {
        /// The index that the device wrote.
        used_idx: u16,
        /// The index up to which the driver has taken used buffers.
        last_used: u16,
        /// The number of buffers that the device had.
        available: u16,
    },
    /// The device used a buffer with an id that is not below the queue size.
    UsedIdRange {
        /// The id that the device wrote.
        id: u32,
        /// The queue size.
        size: u16,
    },
    /// The device used a buffer that it did not have, because it was not added, or already used.
    UsedIdNotInFlight {
        /// The id that the device wrote.
        id: u16,
    },
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UsedIndex {
                used_idx,
                last_used,
                available,
            } => write!(
                f,
                "used index moved from {last_used} to {used_idx} with {available} buffers available"
            ),
            Self::UsedIdRange { id, size } => {
                write!(f, "used id {id} is out of range, the queue size is {size}")
            }
            Self::UsedIdNotInFlight { id } => {
                write!(
                    f,
                    "used id {id} names a buffer that the device does not have"
                )
            }
        }
    }
}
