// SPDX-License-Identifier: GPL-2.0

//! The layout of a slot.

/// Bytes in a cache line.
pub(super) const CACHE_LINE: usize = 64;

/// Bytes after the status that a device may write, too: some devices write 32 bits instead of 8.
const OVERRUN: usize = 3;

/// The number of descriptors of a request that are not data: header and status.
pub const EXTRA_DESCRIPTORS: u16 = 2;

/// Bytes in a descriptor.
const DESC_SIZE: usize = 16;

/// The layout of a slot in bytes: table, then header, then status.
///
/// The table comes first because it must be aligned to 16 bytes. The status, which the device
/// writes, comes last, on a cache line of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Number of descriptors in the table that are for data.
    pub(super) data_cells: u16,
    /// Offset of the header.
    pub(super) header: usize,
    /// Offset of the status.
    pub(super) status: usize,
    /// Size of the slot, in whole cache lines.
    pub(super) size: usize,
}

impl Layout {
    /// Returns the layout for a table with `data_cells` descriptors for data, and for headers and
    /// status fields of the given sizes. The sizes must be small.
    pub(super) const fn new(data_cells: u16, header_size: usize, status_size: usize) -> Self {
        // CAST: To a larger type.
        let header = (data_cells as usize + EXTRA_DESCRIPTORS as usize) * DESC_SIZE;
        let status = (header + header_size).next_multiple_of(CACHE_LINE);
        Self {
            data_cells,
            header,
            status,
            size: (status + status_size + OVERRUN).next_multiple_of(CACHE_LINE),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Some devices write a status of 32 bits instead of 8.
    #[test]
    fn bytes_after_the_status_belong_to_the_device() {
        for data_cells in 0..200 {
            for (header, status) in [(16, 1), (51, 108), (51, 64), (16, 63)] {
                let layout = Layout::new(data_cells, header, status);
                assert!(layout.size >= layout.status + status + OVERRUN);
            }
        }
    }

    #[test]
    fn what_the_device_writes_is_on_lines_of_its_own() {
        for data_cells in 0..200 {
            let layout = Layout::new(data_cells, 16, 1);
            assert!(layout.status >= layout.header + 16);
            assert_eq!(layout.status % CACHE_LINE, 0);
            assert_eq!(layout.size % CACHE_LINE, 0);
            assert_eq!(layout.header, (usize::from(data_cells) + 2) * 16);
        }
    }
}
