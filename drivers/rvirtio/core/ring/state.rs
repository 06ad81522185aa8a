// SPDX-License-Identifier: GPL-2.0

//! Whether a ring works, and why it does not take a buffer.

use super::Violation;
use core::fmt;

/// Whether a ring works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Buffers go in and out.
    Live,
    /// The driver has stopped the ring.
    Stopped,
    /// The device has broken the rules.
    Broken(Violation),
}

impl State {
    /// Returns an error if no buffer can be added.
    #[inline]
    pub(super) fn takes_buffers(self) -> Result<(), AddError> {
        match self {
            Self::Live => Ok(()),
            Self::Stopped | Self::Broken(_) => Err(AddError::Broken),
        }
    }

    /// Returns whether used buffers can be popped, or how the device has broken the rules.
    #[inline]
    pub(super) fn returns_buffers(self) -> Result<bool, Violation> {
        match self {
            Self::Live => Ok(true),
            Self::Stopped => Ok(false),
            Self::Broken(violation) => Err(violation),
        }
    }

    /// Stops a ring that works.
    pub(super) fn stop(&mut self) {
        if *self == Self::Live {
            *self = Self::Stopped;
        }
    }

    /// Returns the violation that has broken the ring, if one has.
    pub(super) fn violation(self) -> Option<Violation> {
        self.returns_buffers().err()
    }
}

/// Why a buffer was not taken. The ring is as it was before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddError {
    /// There are not enough free descriptors now; there may be once buffers were used.
    Full,
    /// The buffer has more elements than the queue size or the indirect table permits.
    TooManyElements,
    /// The buffer has no element, or an element of length 0.
    Empty,
    /// The elements are longer than 2^32 - 1 bytes together.
    TooLong,
    /// The elements are not as many as was said before, or a readable one follows a writable one.
    BadList,
    /// The indirect table has an impossible length, or indirect descriptors were not negotiated.
    BadTable,
    /// The ring was stopped, or the device has broken its rules.
    Broken,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "not enough free descriptors",
            Self::TooManyElements => "more elements than the queue permits",
            Self::Empty => "no element, or an element of length 0",
            Self::TooLong => "longer than 2^32 - 1 bytes",
            Self::BadList => "wrong number or order of elements",
            Self::BadTable => "impossible indirect table",
            Self::Broken => "the ring is stopped or broken",
        })
    }
}
