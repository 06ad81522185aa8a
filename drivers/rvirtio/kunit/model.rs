// SPDX-License-Identifier: GPL-2.0

//! The other side of the rings: their memory, and a device.
//!
//! The files below are shared with the tests on the host ([`tools/ringtest`](srctree/tools/ringtest)),
//! which have other allocators.

pub(crate) mod packed;
pub(crate) mod split;

use kernel::{
    alloc::AllocError,
    prelude::*, //
};

/// An array of cells.
pub(crate) type Cells<T> = KVec<T>;

/// Returns `count` cells, in an allocation of just that size.
pub(crate) fn cells<T: Default>(count: u16) -> Result<Cells<T>, AllocError> {
    let mut cells = KVec::with_capacity(count.into(), GFP_KERNEL)?;
    for _ in 0..count {
        cells.push(T::default(), GFP_KERNEL)?;
    }
    Ok(cells)
}

/// Why there are no cells.
pub(crate) type CellsError = AllocError;
