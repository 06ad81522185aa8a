// SPDX-License-Identifier: GPL-2.0

//! The state of a ring, and the errors of adding buffers.

use super::violation::Violation;
use core::fmt;

/// The state of a ring. What is asked all the time is one byte of its own.
#[derive(Clone, Copy, Debug)]
pub(super) struct State {
    live: bool,
    /// The device has violated the specification.
    violation: Option<Violation>,
}

impl State {
    /// Buffers can be added and popped.
    pub(super) const LIVE: Self = Self {
        live: true,
        violation: None,
    };

    /// The driver has stopped the ring.
    pub(super) const STOPPED: Self = Self {
        live: false,
        violation: None,
    };

    /// The device has violated the specification.
    pub(super) fn broken(violation: Violation) -> Self {
        Self {
            live: false,
            violation: Some(violation),
        }
    }

    /// Returns whether buffers can be added and popped.
    #[inline]
    pub(super) fn is_live(&self) -> bool {
        self.live
    }

    /// Returns an error if buffers cannot be added.
    #[inline]
    pub(super) fn takes_buffers(&self) -> Result<(), AddError> {
        if self.live {
            Ok(())
        } else {
            Err(AddError::Broken)
        }
    }

    /// Returns whether used buffers can be popped, or the violation that has broken the ring.
    #[inline]
    pub(super) fn returns_buffers(&self) -> Result<bool, Violation> {
        match self.violation {
            _ if self.live => Ok(true),
            Some(violation) => Err(violation),
            None => Ok(false),
        }
    }

    /// Stops a ring that is live.
    pub(super) fn stop(&mut self) {
        self.live = false;
    }

    /// Returns the violation that has broken the ring, if one has.
    pub(super) fn violation(&self) -> Option<Violation> {
        self.violation
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.violation {
            _ if self.live => f.write_str("live"),
            Some(violation) => write!(f, "broken: {violation}"),
            None => f.write_str("stopped"),
        }
    }
}

/// The reason why a buffer was not added. The ring is unchanged.
// As large as a token: a result with either is returned in two registers, not packed into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum AddError {
    /// There are not enough free descriptors until buffers are used.
    Full,
    /// The buffer has more elements than the queue size or the indirect table permits.
    TooManyElements,
    /// The buffer has no element, or an element of length 0.
    Empty,
    /// The total length of the elements is more than 2^32 - 1 bytes.
    TooLong,
    /// The indirect table has an invalid length, or indirect descriptors were not negotiated.
    BadTable,
    /// The ring was stopped, or the device has violated the specification.
    Broken,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "not enough free descriptors",
            Self::TooManyElements => "more elements than the queue permits",
            Self::Empty => "no element, or an element of length 0",
            Self::TooLong => "longer than 2^32 - 1 bytes",
            Self::BadTable => "invalid indirect table",
            Self::Broken => "ring is stopped or broken",
        })
    }
}
