// SPDX-License-Identifier: GPL-2.0

//! Elements of buffers, and the check of lists of them.

use super::AddError;
use crate::spec::ring::DESC_F_WRITE;

/// An element of a buffer: memory at an address for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The address that the device uses: a physical address, or one that the platform translates.
    pub addr: u64,
    /// The length in bytes, not 0.
    pub len: u32,
}

/// The access of the device to an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// The device reads.
    Readable,
    /// The device writes.
    Writable,
}

impl Access {
    /// Returns the flags of a descriptor for such an element.
    #[inline]
    pub(super) const fn flags(self) -> u16 {
        match self {
            Self::Readable => 0,
            Self::Writable => DESC_F_WRITE,
        }
    }
}

/// The content of an indirect table that was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The number of descriptors in the table.
    pub count: u16,
    /// The total length of the device-writable elements, in bytes.
    pub writable_len: u32,
}

/// The check of a list of elements. Errors are collected until its end, so that each element costs
/// a few additions and no branch.
#[derive(Default)]
pub(super) struct Sums {
    /// At most 32768 times 4 GiB, so this does not wrap.
    total: u64,
    /// The sum of writable lengths; correct if `total` fits into 32 bits.
    writable: u32,
    has_empty: bool,
    disordered: bool,
}

impl Sums {
    /// Adds an element.
    #[inline]
    pub(super) fn add(&mut self, segment: Segment, access: Access) {
        self.has_empty |= segment.len == 0;
        self.total = self.total.wrapping_add(segment.len.into());
        match access {
            Access::Readable => self.disordered |= self.writable != 0,
            Access::Writable => self.writable = self.writable.wrapping_add(segment.len),
        }
    }

    /// Returns the total length of the writable elements, or the error of the list.
    #[inline]
    pub(super) fn writable(&self) -> Result<u32, AddError> {
        if self.has_empty {
            return Err(AddError::Empty);
        }
        if self.total > u64::from(u32::MAX) {
            return Err(AddError::TooLong);
        }
        if self.disordered {
            return Err(AddError::BadList);
        }
        Ok(self.writable)
    }
}

/// Returns the elements of a buffer in the order that the device requires: first all that it reads,
/// then all that it writes.
#[inline]
pub(super) fn in_order(
    readable: impl IntoIterator<Item = Segment>,
    writable: impl IntoIterator<Item = Segment>,
) -> impl Iterator<Item = (Segment, Access)> {
    let readable = readable.into_iter().map(|s| (s, Access::Readable));
    readable.chain(writable.into_iter().map(|s| (s, Access::Writable)))
}
