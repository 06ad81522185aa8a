// SPDX-License-Identifier: GPL-2.0

//! Elements of buffers, and the check that every list of them goes through.

use super::AddError;

/// An element of a buffer: memory as the device addresses it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The address that the device uses: physical, or translated by the platform.
    pub addr: u64,
    /// The length in bytes, not 0.
    pub len: u32,
}

/// What is in an indirect table that was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The number of descriptors in the table.
    pub count: u16,
    /// The length of the device-writable elements together, in bytes.
    pub writable_len: u32,
}

/// Who accesses an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// The device reads.
    Readable,
    /// The device writes.
    Writable,
}

/// The lengths of a list of elements while it is written out.
#[derive(Default)]
pub(super) struct Lengths {
    total: u32,
    pub(super) writable: u32,
}

impl Lengths {
    /// Counts one more element.
    #[inline]
    pub(super) fn add(&mut self, segment: Segment, access: Access) -> Result<(), AddError> {
        if segment.len == 0 {
            return Err(AddError::Empty);
        }
        self.total = self
            .total
            .checked_add(segment.len)
            .ok_or(AddError::TooLong)?;
        if access == Access::Writable {
            // At most the total, which has not overflowed.
            self.writable = self.writable.wrapping_add(segment.len);
        }
        Ok(())
    }
}

/// Returns the elements of a buffer in the order that the device requires: all it reads, then all
/// it writes.
#[inline]
pub(super) fn in_order(
    readable: impl IntoIterator<Item = Segment>,
    writable: impl IntoIterator<Item = Segment>,
) -> impl Iterator<Item = (Segment, Access)> {
    let readable = readable.into_iter().map(|s| (s, Access::Readable));
    readable.chain(writable.into_iter().map(|s| (s, Access::Writable)))
}
