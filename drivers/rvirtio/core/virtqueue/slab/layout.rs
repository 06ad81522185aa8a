// SPDX-License-Identifier: GPL-2.0

//! Where in a slot its parts are.

/// Bytes in a cache line.
pub(super) const CACHE_LINE: usize = 64;

/// Descriptors of a request that are not data: header and status.
pub const EXTRA_DESCRIPTORS: u16 = 2;

/// Bytes in a descriptor.
const DESC_SIZE: usize = 16;

/// The layout of a slot in bytes: table, then header, then status.
///
/// The table comes first because it must be aligned to 16 bytes, and what the device writes comes
/// last, on a cache line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Number of descriptors in the table that are for data.
    pub(super) data_cells: u16,
    /// Offset of the header.
    pub(super) header: usize,
    /// Offset of the status.
    pub(super) status: usize,
    /// Length of all, in whole cache lines.
    pub(super) size: usize,
}

impl Layout {
    /// Returns the layout for a table with `data_cells` descriptors for data, and for headers and
    /// status fields of the given sizes. All of this is small.
    pub(super) const fn new(data_cells: u16, header_size: usize, status_size: usize) -> Self {
        // CAST: To a larger type.
        let header = (data_cells as usize + EXTRA_DESCRIPTORS as usize) * DESC_SIZE;
        let status = (header + header_size).next_multiple_of(CACHE_LINE);
        Self {
            data_cells,
            header,
            status,
            size: (status + status_size).next_multiple_of(CACHE_LINE),
        }
    }
}
