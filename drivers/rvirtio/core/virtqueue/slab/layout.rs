// SPDX-License-Identifier: GPL-2.0

//! The layout of a slot.

/// Bytes in a cache line.
pub(super) const CACHE_LINE: usize = 64;

/// Bytes after the status that a device may write, too: some devices write 32 bits instead of 8.
const OVERRUN: usize = 3;

/// The alignment of the status of the next slot.
const STATUS_ALIGN: usize = 4;

/// The number of descriptors of a request that are not data: header and status.
pub const EXTRA_DESCRIPTORS: u16 = 2;

/// The number of descriptors for data in a table that has grown: enough for 64 KiB in pages.
pub(super) const GROWN_CELLS: u8 = 17;

/// Bytes in a descriptor.
const DESC_SIZE: usize = 16;

/// The layout of a slot in bytes: header, then table, in whole cache lines. The status is elsewhere,
/// with those of other slots, so that a slot of a disk has a single cache line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Offset of the table, which must be aligned to 16 bytes.
    pub(super) table: usize,
    /// The number of descriptors for data in the table: as many as the last cache line has room for.
    pub(super) data_cells: u8,
    /// Size of header and table.
    pub(super) size: usize,
    /// The same for a slot with a table that has grown.
    pub(super) grown_size: usize,
    /// Size of the status, and of what else the device may write there.
    pub(super) status: usize,
}

impl Layout {
    /// Returns the layout for headers and status fields of the given sizes. The sizes must be small.
    pub(super) const fn new(header_size: usize, status_size: usize) -> Self {
        let table = header_size.next_multiple_of(DESC_SIZE);
        let size = (table + table_size(1)).next_multiple_of(CACHE_LINE);
        // CAST: There is one, and less than a cache line is added.
        let data_cells = ((size - table - table_size(0)) / DESC_SIZE) as u8;
        assert!(data_cells < GROWN_CELLS);
        Self {
            table,
            data_cells,
            size,
            // CAST: To a larger type.
            grown_size: (table + table_size(GROWN_CELLS as u16)).next_multiple_of(CACHE_LINE),
            status: (status_size + OVERRUN).next_multiple_of(STATUS_ALIGN),
        }
    }
}

/// Returns the size in bytes of a table with `data_cells` descriptors for data.
pub(super) const fn table_size(data_cells: u16) -> usize {
    // CAST: To a larger type.
    (data_cells as usize + EXTRA_DESCRIPTORS as usize) * DESC_SIZE
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: [(usize, usize); 5] = [(16, 1), (51, 108), (51, 64), (16, 63), (24, 9)];

    /// Some devices write a status of 32 bits instead of 8.
    #[test]
    fn bytes_after_the_status_belong_to_the_device() {
        for (header, status) in SIZES {
            assert!(Layout::new(header, status).status >= status + OVERRUN);
        }
    }

    #[test]
    fn nothing_overlaps() {
        for (header, status) in SIZES {
            let layout = Layout::new(header, status);
            let table = table_size(u16::from(layout.data_cells));
            let grown = table_size(u16::from(GROWN_CELLS));
            assert!(layout.data_cells > 0);
            assert!(layout.table >= header && layout.table % DESC_SIZE == 0);
            assert!(layout.size >= layout.table + table);
            assert!(layout.grown_size >= layout.table + grown);
            assert_eq!(
                (layout.size % CACHE_LINE, layout.grown_size % CACHE_LINE),
                (0, 0)
            );
        }
    }

    #[test]
    fn slot_of_a_disk_has_one_cache_line() {
        assert_eq!(Layout::new(16, 1).size, CACHE_LINE);
    }
}
