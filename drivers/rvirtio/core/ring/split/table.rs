// SPDX-License-Identifier: GPL-2.0

//! Split descriptors outside the ring: indirect tables.

use crate::{
    ring::{
        segment::{
            in_order,
            Access,
            Lengths, //
        },
        AddError,
        Desc,
        Segment,
        Table, //
    },
    spec::ring::{
        DESC_F_NEXT,
        DESC_F_WRITE, //
    },
};

/// Writes the table for [`add_indirect`](super::Ring::add_indirect): the device reads the
/// `readable` segments and writes the `writable` ones.
///
/// `cells` is the memory of the table, which the device must not have at this time. A table may
/// have as many elements as the queue has descriptors, but no more; `queue_size` is that limit.
///
/// # Errors
///
/// See [`AddError`]; what is in `cells` then has no meaning.
#[inline]
pub fn fill_table(
    cells: &[Desc],
    queue_size: u16,
    readable: impl IntoIterator<Item = Segment>,
    writable: impl IntoIterator<Item = Segment>,
) -> Result<Table, AddError> {
    let mut cells = cells.iter().take(usize::from(queue_size));
    let mut lengths = Lengths::default();
    let mut count: u16 = 0;
    let mut last: Option<(&Desc, u16)> = None;

    for (segment, access) in in_order(readable, writable) {
        lengths.add(segment, access)?;
        let cell = cells.next().ok_or(AddError::TooManyElements)?;
        cell.addr.write(segment.addr);
        cell.len.write(segment.len);
        // Only now is it known that the element before is not the last. `count` is the index of
        // this one.
        if let Some((before, flags)) = last {
            before.meta.write(meta(flags | DESC_F_NEXT, count));
        }
        let flags = match access {
            Access::Readable => 0,
            Access::Writable => DESC_F_WRITE,
        };
        last = Some((cell, flags));
        // There are at most `queue_size` cells.
        count = count.wrapping_add(1);
    }

    let (cell, flags) = last.ok_or(AddError::Empty)?;
    cell.meta.write(meta(flags, 0));
    Ok(Table {
        count,
        writable_len: lengths.writable,
    })
}

/// Returns the last four bytes of a descriptor.
#[inline]
pub(super) const fn meta(flags: u16, next: u16) -> u32 {
    flags as u32 | ((next as u32) << 16)
}
