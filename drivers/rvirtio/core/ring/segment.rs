// SPDX-License-Identifier: GPL-2.0

//! Elements of buffers, and the check of lists of them.

use super::{
    cell::Desc,
    state::AddError, //
};
use crate::spec::ring::{
    DESC_F_WRITE,
    DESC_SIZE, //
};

/// An element of a buffer: memory at an address for the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The address that the device uses: a physical address, or one that the platform translates.
    pub addr: u64,
    /// The length in bytes, not 0.
    pub len: u32,
}

impl Segment {
    /// Returns how many bytes the device can write, if the segment is the only element of a buffer.
    #[inline(always)]
    pub(super) fn writable(self, access: Access) -> Result<u32, AddError> {
        match access {
            _ if self.len == 0 => Err(AddError::Empty),
            Access::Readable => Ok(0),
            Access::Writable => Ok(self.len),
        }
    }

    /// Checks that the segment can be an indirect table of at most `max` bytes.
    #[inline(always)]
    pub(super) fn check_table(self, max: u32) -> Result<(), AddError> {
        // The length of an empty table wraps to the largest value.
        if self.len.wrapping_sub(1) >= max || self.len & (DESC_SIZE - 1) != 0 {
            return Err(AddError::BadTable);
        }
        Ok(())
    }
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

/// The elements of a buffer. Each of its functions is called once, and these in order: what a device
/// reads has to come before what it writes.
pub trait Elements {
    /// Calls `each` for the elements that the device reads, in order.
    fn for_each_readable(&self, each: impl FnMut(Segment));

    /// Calls `each` for the elements that the device writes, in order.
    fn for_each_writable(&self, each: impl FnMut(Segment));
}

/// The content of an indirect table that was filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Table {
    /// The number of descriptors in the table.
    pub count: u16,
    /// The total length of the device-writable elements, in bytes.
    pub writable_len: u32,
}

/// Checks that a buffer of `count` elements, with `excess` more for which there are no free descriptors,
/// has elements, and fits into a ring with `capacity`.
#[inline]
pub(super) fn check_count(count: u16, excess: u16, capacity: u16) -> Result<(), AddError> {
    if excess != 0 {
        return Err(if count.saturating_add(excess) > capacity {
            AddError::TooManyElements
        } else {
            AddError::Full
        });
    }
    if count == 0 {
        return Err(AddError::Empty);
    }
    Ok(())
}

/// The check of a list of elements. Errors are found at its end, so that each element costs a few
/// additions and no branch.
pub(super) struct Sums {
    /// At most 32768 times 4 GiB, so this does not wrap.
    total: u64,
    /// The sum of writable lengths; correct if `total` fits into 32 bits.
    writable: u32,
    shortest: u32,
}

impl Sums {
    /// Those of no elements.
    #[inline]
    pub(super) fn new() -> Self {
        Self {
            total: 0,
            writable: 0,
            shortest: u32::MAX,
        }
    }

    /// Adds an element.
    #[inline(always)]
    pub(super) fn add(&mut self, segment: Segment, access: Access) {
        self.shortest = self.shortest.min(segment.len);
        self.total = self.total.wrapping_add(segment.len.into());
        if access == Access::Writable {
            self.writable = self.writable.wrapping_add(segment.len);
        }
    }

    /// Returns the total length of the writable elements, or the error of the list.
    #[inline]
    pub(super) fn writable(&self) -> Result<u32, AddError> {
        if self.shortest == 0 {
            return Err(AddError::Empty);
        }
        if self.total > u64::from(u32::MAX) {
            return Err(AddError::TooLong);
        }
        Ok(self.writable)
    }
}

/// Writes the elements of a buffer to `cells`, at most `queue_size`; the last bytes of a cell as `meta`
/// returns them for the flags of the element and for its number, from 1 on. Returns the last cell and
/// its flags, too.
///
/// # Errors
///
/// See [`AddError`]. The content of `cells` is then unspecified.
#[inline]
pub(super) fn fill(
    cells: &[Desc],
    queue_size: u16,
    readable: impl IntoIterator<Item = Segment>,
    writable: impl IntoIterator<Item = Segment>,
    meta: impl Fn(u16, u16) -> u32,
) -> Result<(Table, &Desc, u16), AddError> {
    let mut cells = cells.iter().take(usize::from(queue_size));
    let mut sums = Sums::new();
    let mut count: u16 = 0;
    let mut last = None;

    for (segment, access) in in_order(readable, writable) {
        sums.add(segment, access);
        let cell = cells.next().ok_or(AddError::TooManyElements)?;
        cell.addr.write(segment.addr);
        cell.len.write(segment.len);
        // There are at most `queue_size` cells.
        count = count.wrapping_add(1);
        cell.meta.write(meta(access.flags(), count));
        last = Some((cell, access.flags()));
    }

    let (cell, flags) = last.ok_or(AddError::Empty)?;
    let table = Table {
        count,
        writable_len: sums.writable()?,
    };
    Ok((table, cell, flags))
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
