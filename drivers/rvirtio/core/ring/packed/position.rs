// SPDX-License-Identifier: GPL-2.0

//! Positions in a packed ring, with their wrap counter.

use crate::spec::ring::packed::{
    DESC_F_AVAIL,
    DESC_F_USED,
    EVENT_FLAG_DESC,
    EVENT_WRAP, //
};

/// The flags in the last cell of a descriptor: of an available one, these are `AVAIL` if the wrap
/// counter is 1, and `USED` if it is 0.
const AVAIL: u32 = (DESC_F_AVAIL as u32) << 16;
const USED: u32 = (DESC_F_USED as u32) << 16;

/// Both of them. One is set in a position.
const MARKS: u32 = AVAIL | USED;

/// The distance of `AVAIL` from the wrap counter in an event.
const AVAIL_TO_WRAP: u32 = AVAIL.trailing_zeros() - EVENT_WRAP.trailing_zeros();

/// A position in the ring, with the wrap counter of the side that it belongs to.
///
/// The index of the descriptor is the low half. The wrap counter is stored as the flags of a descriptor
/// that is made available here, `AVAIL` or `USED`, because this is its most frequent use.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Position(u32);

impl Position {
    /// The position where both sides start.
    pub(super) const FIRST: Self = Self(AVAIL);

    /// Returns the position of the descriptor `slot` that was made available by `meta` in its last cell.
    #[inline]
    pub(super) const fn of(slot: u16, meta: u32) -> Self {
        Self(slot as u32 | meta & MARKS)
    }

    /// Returns the index of the descriptor.
    #[inline]
    pub(super) const fn slot(self) -> u16 {
        // CAST: It is the low half.
        self.0 as u16
    }

    /// Returns the position in the format of events and notifications, with the wrap counter in the
    /// upper bit.
    #[inline]
    pub(super) const fn bits(self) -> u16 {
        // The flag is the wrap counter, in another place.
        self.slot() | (self.0 >> AVAIL_TO_WRAP) as u16 & EVENT_WRAP
    }

    /// Returns the next position in a ring of `size`.
    #[inline]
    #[must_use]
    pub(super) const fn next(self, size: u16) -> Self {
        // The index is below 32768, so that nothing is carried into the upper half. This is cheaper than
        // `advanced`, because the first index is zero rather than a difference.
        let next = Self(self.0.wrapping_add(1));
        if next.slot() == size {
            Self((self.0 & MARKS) ^ MARKS)
        } else {
            next
        }
    }

    /// Returns the position `count` descriptors later, at most one lap around a ring of `size`.
    #[inline]
    #[must_use]
    pub(super) const fn advanced(self, count: u16, size: u16) -> Self {
        // The index is below 32768 and the count at most 32768, so that nothing is carried into the upper
        // half.
        let later = Self(self.0.wrapping_add(count as u32));
        if later.slot() < size {
            later
        } else {
            Self(later.0.wrapping_sub(size as u32) ^ MARKS)
        }
    }

    /// Returns the last cell of a descriptor that is made available here.
    #[inline]
    pub(super) const fn available(self, id: u16, flags: u16) -> u32 {
        id as u32 | ((flags as u32) << 16) | self.0 & MARKS
    }

    /// Returns the last cell of a descriptor here that is neither available nor used.
    #[inline]
    pub(super) const fn vacant(self) -> u32 {
        // Both flags are those of an available descriptor of the previous lap.
        if self.0 & MARKS == AVAIL {
            0
        } else {
            MARKS
        }
    }

    /// Returns whether a descriptor here whose last cell is `meta` is used.
    #[inline]
    pub(super) const fn is_used(self, meta: u32) -> bool {
        // The device inverts one of the two flags that were written when the descriptor was made
        // available.
        (meta ^ self.0) & MARKS == USED
    }

    /// Returns the event that requests a notification for the descriptor at this position.
    #[inline]
    pub(super) const fn event(self) -> u32 {
        event(self.bits(), EVENT_FLAG_DESC)
    }

    /// Returns whether the position `bits` of an event is one of the `count` positions before this one.
    /// If that is more than a lap around a ring of `size`, any position is.
    #[inline]
    pub(super) fn is_passed(self, bits: u16, count: u32, size: u16) -> bool {
        let size = u32::from(size);
        let event = u32::from(bits & !EVENT_WRAP);
        // The number of positions between both. It wraps, and is too large, if the event is ahead.
        let mut between = u32::from(self.slot()).wrapping_sub(event).wrapping_sub(1);
        if (bits ^ self.bits()) & EVENT_WRAP != 0 {
            // The event is in the lap before.
            between = between.wrapping_add(size);
        }
        between < count || count > size
    }
}

/// Returns the contents of an event suppression area.
#[inline]
pub(super) const fn event(position: u16, flags: u16) -> u32 {
    position as u32 | ((flags as u32) << 16)
}
