// SPDX-License-Identifier: GPL-2.0

//! Conditions for notifications of one side by the other.

/// The used buffer for which a callback is requested.
///
/// Without `EVENT_IDX`, callbacks can only be requested for every buffer, so all of these are
/// equivalent to [`Next`](Arm::Next).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// The next buffer.
    Next,
    /// The buffer after this many, or the last one that the device has, whichever comes first. The
    /// number is in buffers for a split ring, and in descriptors for a packed one.
    After(u16),
    /// The buffer after three quarters of those that the device has.
    MostInFlight,
}

impl Arm {
    /// Returns how many of the `available` buffers or descriptors, which the device has, come
    /// before the one for which the callback is requested.
    #[inline]
    pub(super) const fn skipped(self, available: u16) -> u16 {
        match self {
            Self::Next => 0,
            Self::After(count) => {
                // After the last one there might be no further buffer.
                let last = available.saturating_sub(1);
                if count < last {
                    count
                } else {
                    last
                }
            }
            // Less than `available`, and the product is below 2^18.
            Self::MostInFlight => (available as u32 * 3 / 4) as u16,
        }
    }
}

/// Whether used buffers are waiting although a callback was just armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "buffers that are already there may cause no further callback"]
pub enum More {
    /// There is at least one used buffer, and possibly no callback for it: it has to be popped now.
    Pending,
    /// A callback will come for the requested buffer.
    Nothing,
}

/// Returns whether an index that has moved by `count` entries to `new` has reached the entry `event`, so
/// that the other side wants a notification.
///
/// The indices run free, in 16 bits. All events are reached by more entries than these can tell apart.
#[doc(alias = "vring_need_event")]
#[inline]
pub(super) const fn need_event(event: u16, new: u16, count: u32) -> bool {
    // The distance of the event back from `new`, so that the comparison is correct when the indices
    // wrap.
    (new.wrapping_sub(event).wrapping_sub(1) as u32) < count
}
