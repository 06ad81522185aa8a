// SPDX-License-Identifier: GPL-2.0

//! Positions in a packed ring, and what depends on their wrap counter.

use crate::spec::ring::packed::{
    DESC_F_AVAIL,
    DESC_F_USED,
    EVENT_FLAG_DESC,
    EVENT_WRAP, //
};

/// The flags of an available descriptor, in place, while the wrap counter is 1 and while it is 0.
const AVAIL: u32 = (DESC_F_AVAIL as u32) << 16;
const USED: u32 = (DESC_F_USED as u32) << 16;

/// A place in the ring together with the wrap counter of whoever is there.
///
/// The wrap counter is kept as what it makes of the last cell of a descriptor that is made available
/// here: that is what it is needed for most.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Position {
    slot: u16,
    /// `AVAIL` or `USED`.
    mark: u32,
}

impl Position {
    /// Where both sides start.
    pub(super) const FIRST: Self = Self {
        slot: 0,
        mark: AVAIL,
    };

    /// Returns the index of the descriptor.
    #[inline]
    pub(super) const fn slot(self) -> u16 {
        self.slot
    }

    /// Returns the position as events and notifications carry it: the wrap counter in the upper
    /// bit.
    #[inline]
    pub(super) const fn bits(self) -> u16 {
        let wrap = if self.mark == AVAIL { EVENT_WRAP } else { 0 };
        self.slot | wrap
    }

    /// Returns the next position in a ring of `size`.
    #[inline]
    #[must_use]
    pub(super) const fn next(self, size: u16) -> Self {
        // Cheaper than `advanced`: it is zero that is selected, and not a difference.
        let slot = self.slot.wrapping_add(1);
        if slot == size {
            Self {
                slot: 0,
                mark: self.mark ^ (AVAIL | USED),
            }
        } else {
            Self { slot, ..self }
        }
    }

    /// Returns the position `count` descriptors on, at most once around a ring of `size`.
    #[inline]
    #[must_use]
    pub(super) const fn advanced(self, count: u16, size: u16) -> Self {
        // Below 65536, as the index is below 32768 and the count at most 32768.
        let slot = self.slot.wrapping_add(count);
        if slot < size {
            Self { slot, ..self }
        } else {
            Self {
                slot: slot.wrapping_sub(size),
                mark: self.mark ^ (AVAIL | USED),
            }
        }
    }

    /// Returns the last cell of a descriptor that is made available here.
    #[inline]
    pub(super) const fn available(self, id: u16, flags: u16) -> u32 {
        id as u32 | ((flags as u32) << 16) | self.mark
    }

    /// Returns the last cell of a descriptor here that is neither available nor used.
    #[inline]
    pub(super) const fn vacant(self) -> u32 {
        // Both flags as the driver had them a lap ago.
        if self.mark == AVAIL {
            0
        } else {
            AVAIL | USED
        }
    }

    /// Returns whether a descriptor here whose last cell is `meta` is used.
    #[inline]
    pub(super) const fn is_used(self, meta: u32) -> bool {
        // Of the two flags that were written when it was made available, the device inverts one.
        (meta ^ self.mark) & (AVAIL | USED) == USED
    }

    /// Returns the event that asks for a notification when the descriptor here changes.
    #[inline]
    pub(super) const fn event(self) -> u32 {
        event(self.bits(), EVENT_FLAG_DESC)
    }

    /// Returns whether the position that an event has as `bits` is among the `count` positions
    /// before this one, which are up to two laps around a ring of `size`.
    #[inline]
    pub(super) fn is_passed(self, bits: u16, count: u64, size: u16) -> bool {
        // After two laps position and wrap counter are the same again.
        let two_laps = u32::from(size).wrapping_mul(2);
        let end = in_two_laps(self.bits(), size);
        let event = in_two_laps(bits, size);
        let back = end.wrapping_sub(event);
        let back = if event < end {
            back
        } else {
            back.wrapping_add(two_laps)
        };
        u64::from(back) <= count
    }
}

/// Returns the number of the descriptor at the position `bits`, counted through two laps around a
/// ring of `size`.
#[inline]
fn in_two_laps(bits: u16, size: u16) -> u32 {
    let lap = if bits & EVENT_WRAP != 0 { 0 } else { size };
    u32::from(bits & !EVENT_WRAP).wrapping_add(lap.into())
}

/// Returns the contents of an event suppression area.
#[inline]
pub(super) const fn event(position: u16, flags: u16) -> u32 {
    position as u32 | ((flags as u32) << 16)
}
