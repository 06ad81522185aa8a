// SPDX-License-Identifier: GPL-2.0

//! The layout of a slot.

/// Bytes in a cache line.
pub(super) const CACHE_LINE: usize = 64;

/// Bytes after the status that a device may write, too: some devices write 32 bits instead of 8.
const OVERRUN: usize = 3;

/// The number of descriptors of a request that are not data: header and status.
pub const EXTRA_DESCRIPTORS: u16 = 2;

/// The number of descriptors for data in the table of a slot: with two more, and header and status of
/// a disk, a slot has two cache lines.
pub(super) const DATA_CELLS: u16 = 4;

/// The same for a table that has grown: enough for 64 KiB in pages.
pub(super) const GROWN_CELLS: u16 = 17;

/// Bytes in a descriptor.
const DESC_SIZE: usize = 16;

/// The layout of a slot in bytes: table, then header, then status.
///
/// The table comes first because it must be aligned to 16 bytes. The status, which the device
/// writes, comes last, next to what the driver writes for the next request anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Offset of the header.
    pub(super) header: usize,
    /// Offset of the status.
    pub(super) status: usize,
    /// Size of the slot, in whole cache lines.
    pub(super) size: usize,
}

impl Layout {
    /// Returns the layout for headers and status fields of the given sizes. The sizes must be small.
    pub(super) const fn new(header_size: usize, status_size: usize) -> Self {
        let header = table_size(DATA_CELLS);
        let status = header + header_size;
        Self {
            header,
            status,
            size: (status + status_size + OVERRUN).next_multiple_of(CACHE_LINE),
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
            let layout = Layout::new(header, status);
            assert!(layout.size >= layout.status + status + OVERRUN);
        }
    }

    #[test]
    fn nothing_overlaps() {
        for (header, status) in SIZES {
            let layout = Layout::new(header, status);
            assert_eq!(layout.header, (usize::from(DATA_CELLS) + 2) * 16);
            assert!(layout.status >= layout.header + header);
            assert_eq!(layout.size % CACHE_LINE, 0);
        }
    }

    #[test]
    fn slot_of_a_disk_has_two_cache_lines() {
        assert_eq!(Layout::new(16, 1).size, 2 * CACHE_LINE);
    }
}
