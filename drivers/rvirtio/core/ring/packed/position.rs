// SPDX-License-Identifier: GPL-2.0

//! Positions in a packed ring, and what depends on their wrap counter.

use crate::spec::ring::packed::{
    DESC_F_AVAIL,
    DESC_F_USED,
    EVENT_FLAG_DESC,
    EVENT_WRAP, //
};

/// A place in the ring together with the wrap counter of whoever is there.
///
/// The two are kept as events and notifications have them: the wrap counter in the upper bit, the
/// index of the descriptor, which is below 32768, in the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(u16);

impl Position {
    /// Where both sides start.
    pub(super) const FIRST: Self = Self(EVENT_WRAP);

    /// Returns the position as the device sees it in an event, or sent one.
    #[inline]
    pub(super) const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// Returns the position as events and notifications carry it.
    #[inline]
    pub(super) const fn bits(self) -> u16 {
        self.0
    }

    /// Returns the index of the descriptor.
    #[inline]
    pub(super) const fn slot(self) -> u16 {
        self.0 & !EVENT_WRAP
    }

    /// Returns whether the wrap counter is 1.
    #[inline]
    pub(super) const fn wrap(self) -> bool {
        self.0 & EVENT_WRAP != 0
    }

    /// Returns the position `count` descriptors on, at most once around a ring of `size`.
    #[inline]
    #[must_use]
    pub(super) const fn advanced(self, count: u16, size: u16) -> Self {
        // Below 65536, as the index is below 32768 and the count at most 32768.
        let slot = self.slot().wrapping_add(count);
        let wrap = self.0 & EVENT_WRAP;
        if slot < size {
            Self(slot | wrap)
        } else {
            Self(slot.wrapping_sub(size) | (wrap ^ EVENT_WRAP))
        }
    }

    /// Returns how many descriptors `other` is ahead, 0 to 2 * `size` - 1; the same place with the
    /// other wrap counter is `size` ahead.
    pub(super) const fn distance_to(self, other: Self, size: u16) -> u32 {
        let size = size as u32;
        let start = self.in_two_laps(size);
        let end = other.in_two_laps(size);
        // Two laps, after which position and wrap counter are the same again.
        let ahead = end.wrapping_sub(start);
        if end < start {
            ahead.wrapping_add(size).wrapping_add(size)
        } else {
            ahead
        }
    }

    /// Returns the number of the descriptor, counted through two laps around a ring of `size`.
    const fn in_two_laps(self, size: u32) -> u32 {
        let lap = if self.wrap() { 0 } else { size };
        lap.wrapping_add(self.slot() as u32)
    }

    /// Returns the last cell of a descriptor that is made available here.
    #[inline]
    pub(super) const fn available(self, id: u16, flags: u16) -> u32 {
        let mark = if self.wrap() {
            DESC_F_AVAIL
        } else {
            DESC_F_USED
        };
        id as u32 | (((flags | mark) as u32) << 16)
    }

    /// Returns whether a descriptor here whose last cell is `meta` is used.
    #[inline]
    pub(super) const fn is_used(self, meta: u32) -> bool {
        const BOTH: u16 = DESC_F_AVAIL | DESC_F_USED;
        // CAST: the flags are the upper half.
        let flags = (meta >> 16) as u16 & BOTH;
        flags == if self.wrap() { BOTH } else { 0 }
    }

    /// Returns the event that asks for a notification when the descriptor here changes.
    #[inline]
    pub(super) const fn event(self) -> u32 {
        event(self.0, EVENT_FLAG_DESC)
    }
}

/// Returns the contents of an event suppression area.
#[inline]
pub(super) const fn event(position: u16, flags: u16) -> u32 {
    position as u32 | ((flags as u32) << 16)
}
