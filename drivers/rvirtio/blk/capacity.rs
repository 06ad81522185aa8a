// SPDX-License-Identifier: GPL-2.0

//! The capacity of a disk, computed from what the device reports. Tested on the host.

use super::spec::SECTOR_SIZE;

/// The capacity of a disk in 512-byte sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Sectors in whole logical blocks.
    pub(crate) usable: u64,
    /// Remaining sectors, fewer than a logical block.
    pub(crate) rest: u64,
}

impl Capacity {
    /// Largest capacity: the block layer counts bytes in a signed 64-bit integer.
    #[doc(alias = "BLK_DEV_MAX_SECTORS")]
    const MAX: u64 = i64::MAX as u64 / SECTOR_SIZE as u64;

    /// Checks the capacity that a device with logical blocks of `block_size` bytes reports. Returns
    /// `None` if it is too large. 0 is valid: the disk may have no medium, and may grow later.
    pub(crate) fn new(reported: u64, block_size: u32) -> Option<Self> {
        if reported > Self::MAX {
            return None;
        }
        let sectors = u64::from(block_size / SECTOR_SIZE);
        let rest = reported.checked_rem(sectors).unwrap_or(0);
        Some(Self {
            usable: reported - rest,
            rest,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_limit() {
        for capacity in [0, 1, Capacity::MAX] {
            assert!(Capacity::new(capacity, 512).is_some());
        }
        for capacity in [Capacity::MAX + 1, u64::MAX] {
            assert_eq!(Capacity::new(capacity, 512), None);
        }
    }

    #[test]
    fn only_whole_blocks_are_usable() {
        for (reported, block, usable, rest) in [
            (32773, 512, 32773, 0),
            (32773, 4096, 32768, 5),
            (7, 4096, 0, 7),
            (0, 4096, 0, 0),
            (Capacity::MAX, 65536, Capacity::MAX - 127, 127),
        ] {
            let expected = Capacity { usable, rest };
            assert_eq!(Capacity::new(reported, block), Some(expected));
        }
    }
}
