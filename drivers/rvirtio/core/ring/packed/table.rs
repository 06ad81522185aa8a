// SPDX-License-Identifier: GPL-2.0

//! Indirect tables of packed descriptors.

use crate::ring::{
    cell::Desc,
    segment::{
        fill,
        Segment,
        Table, //
    },
    state::AddError, //
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
    // The id is reserved; the number of elements follows from the length of the table.
    let meta = |flags, _| u32::from(flags) << 16;
    let (table, _, _) = fill(cells, queue_size, readable, writable, meta)?;
    Ok(table)
}
