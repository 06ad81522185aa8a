// SPDX-License-Identifier: GPL-2.0

//! When one side wants to be notified by the other.

/// Which used buffer the device is asked to call for.
///
/// Without `EVENT_IDX` a device can only be asked to call for each, so all of these are
/// [`Next`](Arm::Next) then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arm {
    /// The next one.
    Next,
    /// The one after so many, or the last one that the device has, whichever comes first. Counted
    /// in buffers with a split ring, in descriptors with a packed one.
    After(u16),
    /// The one after three quarters of what the device has.
    MostInFlight,
}

impl Arm {
    /// Returns how many of the `available` buffers or descriptors, which the device has, come
    /// before the one to call for.
    #[inline]
    pub(super) const fn skipped(self, available: u16) -> u16 {
        match self {
            Self::Next => 0,
            Self::After(count) => {
                // Beyond the last one there may be nothing to call for.
                let last = available.saturating_sub(1);
                if count < last {
                    count
                } else {
                    last
                }
            }
            Self::MostInFlight => available / 4 * 3,
        }
    }
}

/// Whether used buffers are waiting although a callback was just armed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "buffers that are already there may cause no further callback"]
pub enum More {
    /// There is at least one used buffer, and perhaps no callback will come: pop it now.
    Pending,
    /// A callback will come for the buffer that was asked for.
    Nothing,
}

/// Returns whether an index that moves from `old` to `new` reaches the entry `event`, so that the
/// other side wants a notification.
///
/// All are free-running 16-bit indices; `new` is at most 65535 entries past `old`.
#[doc(alias = "vring_need_event")]
#[inline]
pub(super) const fn need_event(event: u16, new: u16, old: u16) -> bool {
    // Both sides are distances back from `new`, which is what makes the comparison right across
    // the wrap of the indices.
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}
