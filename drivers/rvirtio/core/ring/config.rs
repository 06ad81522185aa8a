// SPDX-License-Identifier: GPL-2.0

//! The configuration of a ring, which was negotiated.

use crate::spec::{
    feature::{
        self,
        Features, //
    },
    ring::DESC_SIZE, //
};
use core::fmt;

/// The feature bits that the rings implement; no other bit of the ring may be accepted.
#[doc(alias = "vring_transport_features")]
pub const FEATURES: Features = Features::of(&[
    feature::INDIRECT_DESC,
    feature::EVENT_IDX,
    feature::VERSION_1,
    feature::RING_PACKED,
    feature::IN_ORDER,
    feature::ORDER_PLATFORM,
]);

/// The options of a ring that were negotiated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Whether `INDIRECT_DESC` was negotiated.
    pub indirect: bool,
    /// Whether `EVENT_IDX` was negotiated.
    pub event_idx: bool,
    /// Whether `IN_ORDER` was negotiated.
    pub in_order: bool,
    /// Whether one descriptor of a packed ring is never used.
    pub reserve_one: bool,
}

impl Config {
    /// Returns the options that follow from the `accepted` features.
    pub const fn new(accepted: Features) -> Self {
        let in_order = accepted.contains(feature::IN_ORDER);
        Self {
            indirect: accepted.contains(feature::INDIRECT_DESC),
            event_idx: accepted.contains(feature::EVENT_IDX),
            in_order,
            // If all descriptors of such a ring are in flight, QEMU 11.1 never returns them, and a
            // driver that does not consider this, such as the C driver, waits forever.
            reserve_one: in_order && accepted.contains(feature::RING_PACKED),
        }
    }

    /// Returns the size of a ring in which `capacity` descriptors can be in use at the same time.
    pub const fn size_for(self, capacity: u16) -> u16 {
        if self.reserve_one {
            capacity.saturating_add(1)
        } else {
            capacity
        }
    }

    /// Returns the number of descriptors that can be in use at the same time in a ring of `size`:
    /// all, or all but one. The only descriptor of a ring can always be used.
    pub const fn capacity(self, size: u16) -> u16 {
        if self.reserve_one && size > 1 {
            size.wrapping_sub(1)
        } else {
            size
        }
    }

    /// Returns the largest permitted indirect table of a ring of `size` in bytes, 0 without indirect
    /// descriptors.
    pub(super) const fn table_max(self, size: u16) -> u32 {
        if self.indirect {
            size as u32 * DESC_SIZE
        } else {
            0
        }
    }
}

/// The reason why a ring could not be created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// The queue size is 0, more than 32768, or, for a split ring, not a power of two.
    QueueSize(u16),
    /// There are fewer shadow entries than descriptors.
    ShadowTooSmall,
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::QueueSize(size) => write!(f, "invalid queue size {size}"),
            Self::ShadowTooSmall => f.write_str("fewer shadow entries than descriptors"),
        }
    }
}
