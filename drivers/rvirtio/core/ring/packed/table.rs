// SPDX-License-Identifier: GPL-2.0

//! Indirect tables of packed descriptors.

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

    for (segment, access) in in_order(readable, writable) {
        sums.add(segment, access);
        let cell = cells.next().ok_or(AddError::TooManyElements)?;
        cell.addr.write(segment.addr);
        cell.len.write(segment.len);
        // The id is reserved; the number of elements follows from the length of the table.
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
