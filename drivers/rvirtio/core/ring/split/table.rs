// SPDX-License-Identifier: GPL-2.0

//! Indirect tables of split descriptors.

use crate::{
    ring::{
        segment::{
            in_order,
            Sums, //
        },
        AddError,
        Desc,
        Segment,
        Table, //
    },
    spec::ring::DESC_F_NEXT,
};

/// Writes the table for [`add_indirect`](super::Ring::add_indirect): the device reads the
/// `readable` segments and writes the `writable` ones.
///
/// `cells` is the memory of the table, which the device must not access at this time. `queue_size`
/// is the number of descriptors of the queue, which is the largest number of elements in a table.
///
/// # Errors
///
/// See [`AddError`]. The content of `cells` is then unspecified.
#[inline]
pub fn fill_table(
    cells: &[Desc],
    queue_size: u16,
    readable: impl IntoIterator<Item = Segment>,
    writable: impl IntoIterator<Item = Segment>,
) -> Result<Table, AddError> {
    let mut cells = cells.iter().take(usize::from(queue_size));
    let mut sums = Sums::default();
    let mut count: u16 = 0;
    let mut last = None;

    for (segment, access) in in_order(readable, writable) {
        sums.add(segment, access);
        let cell = cells.next().ok_or(AddError::TooManyElements)?;
        cell.addr.write(segment.addr);
        cell.len.write(segment.len);
        // There are at most `queue_size` cells.
        count = count.wrapping_add(1);
        cell.meta.write(meta(access.flags() | DESC_F_NEXT, count));
        last = Some((cell, access));
    }

    // Only now the last element is known.
    let (cell, access) = last.ok_or(AddError::Empty)?;
    cell.meta.write(meta(access.flags(), 0));
    Ok(Table {
        count,
        writable_len: sums.writable()?,
    })
}

/// Returns the last four bytes of a descriptor.
#[inline]
pub(super) const fn meta(flags: u16, next: u16) -> u32 {
    flags as u32 | ((next as u32) << 16)
}
