// SPDX-License-Identifier: GPL-2.0

//! Packed descriptors outside the ring: indirect tables.

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
    }, //
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
    let mut sums = Sums::default();
    let mut count: u16 = 0;

    for (segment, access) in in_order(readable, writable) {
        sums.add(segment, access);
        let cell = cells.next().ok_or(AddError::TooManyElements)?;
        cell.addr.write(segment.addr);
        cell.len.write(segment.len);
        // The id is reserved; how many elements there are is said by the length of the table.
        cell.meta.write(u32::from(access.flags()) << 16);
        // There are at most `queue_size` cells.
        count = count.wrapping_add(1);
    }

    if count == 0 {
        return Err(AddError::Empty);
    }
    Ok(Table {
        count,
        writable_len: sums.writable()?,
    })
}
