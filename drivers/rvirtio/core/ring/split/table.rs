// SPDX-License-Identifier: GPL-2.0

//! Indirect tables of split descriptors.

use crate::{
    ring::{
        cell::Desc,
        segment::{
            fill,
            Segment,
            Table, //
        },
        state::AddError, //
    },
    spec::ring::DESC_F_NEXT, //
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
    let link = |flags, next| meta(flags | DESC_F_NEXT, next);
    let (table, last, flags) = fill(cells, queue_size, readable, writable, link)?;
    last.meta.write(meta(flags, 0));
    Ok(table)
}

/// Returns the last four bytes of a descriptor.
#[inline]
pub(super) const fn meta(flags: u16, next: u16) -> u32 {
    flags as u32 | ((next as u32) << 16)
}
