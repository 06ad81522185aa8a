// SPDX-License-Identifier: GPL-2.0

//! What requests a device can take, from what it says: a pure function, tested on the host.
//!
//! Devices are not trusted. What later requests rely on is checked here: values that the block layer
//! or the queue could not work with are errors, unless there is a meaning that devices are known to
//! have in mind; hints that make no sense are left out.

use super::{
    capacity::Capacity,
    spec::SECTOR_SIZE,
    topology::{
        Hints,
        Topology, //
    }, //
};
use core::fmt;

/// What a device says, with `None` for what it has no feature for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DeviceLimits {
    /// Capacity in 512-byte sectors.
    pub(crate) capacity: u64,
    /// Logical block size in bytes (`BLK_SIZE`).
    pub(crate) block_size: Option<u32>,
    /// Largest segment in bytes (`SIZE_MAX`).
    pub(crate) size_max: Option<u32>,
    /// Largest number of segments (`SEG_MAX`).
    pub(crate) seg_max: Option<u32>,
    /// Hints (`TOPOLOGY`).
    pub(crate) topology: Option<Topology>,
}

/// What driver and block layer can do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverLimits {
    /// Segments that the driver has room for.
    pub(crate) max_segments: u16,
    /// The largest segment that can be mapped, in bytes.
    pub(crate) max_segment_size: u32,
    /// The smallest limit for a segment that the block layer works with, in bytes.
    pub(crate) min_segment_size: u32,
    /// The largest logical block size that the block layer works with, in bytes.
    pub(crate) max_block_size: u32,
}

/// What holds for both sides. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskLimits {
    /// Capacity in 512-byte sectors. Not to be read again: the device could have changed it.
    pub(crate) capacity: Capacity,
    pub(crate) logical_block_size: u32,
    pub(crate) hints: Hints,
    pub(crate) max_segments: u16,
    pub(crate) max_segment_size: u32,
}

/// Why no disk can be made of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitsError {
    /// The capacity is more bytes than can be counted.
    Capacity(u64),
    /// The logical block size is no power of two, or out of bounds.
    BlockSize(u32),
    /// Segments are too small for the block layer.
    SegmentSize(u32),
    /// The largest request is smaller than a block.
    RequestSize(u64),
    /// Requests would need more descriptors than the queue has.
    QueueTooSmall,
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(n) => write!(f, "invalid capacity of {n} sectors"),
            Self::BlockSize(n) => write!(f, "invalid block size {n}"),
            Self::SegmentSize(n) => write!(f, "invalid segment size {n} (SIZE_MAX)"),
            Self::RequestSize(n) => write!(f, "requests of at most {n} bytes have no whole block"),
            Self::QueueTooSmall => f.write_str("queue is too small for any request"),
        }
    }
}

impl DeviceLimits {
    /// Returns the limits of the disk.
    #[doc(alias = "virtblk_read_limits")]
    pub(crate) fn check(&self, driver: &DriverLimits) -> Result<DiskLimits, LimitsError> {
        let logical_block_size = self.block_size(driver)?;
        let capacity = Capacity::new(self.capacity, logical_block_size)
            .ok_or(LimitsError::Capacity(self.capacity))?;
        if driver.max_segments == 0 {
            return Err(LimitsError::QueueTooSmall);
        }
        let max_segments = match self.seg_max {
            // As in C; no device can mean requests without data.
            Some(0) | None => 1,
            // A larger number than ours fits or is cut off.
            Some(n) => u16::try_from(n)
                .unwrap_or(u16::MAX)
                .min(driver.max_segments),
        };
        let max_segment_size = match self.size_max {
            // QEMU's vhost-user export says this, and has no limit.
            Some(0) | None => driver.max_segment_size,
            Some(n) => n.min(driver.max_segment_size),
        };
        if max_segment_size < driver.min_segment_size {
            return Err(LimitsError::SegmentSize(max_segment_size));
        }
        let largest = u64::from(max_segment_size) * u64::from(max_segments);
        if largest < logical_block_size.into() {
            return Err(LimitsError::RequestSize(largest));
        }
        let hints = self.topology.map(|t| t.hints(logical_block_size));
        Ok(DiskLimits {
            capacity,
            logical_block_size,
            hints: hints.unwrap_or_default(),
            max_segments,
            max_segment_size,
        })
    }

    fn block_size(&self, driver: &DriverLimits) -> Result<u32, LimitsError> {
        let size = self.block_size.unwrap_or(SECTOR_SIZE);
        if size.is_power_of_two() && (SECTOR_SIZE..=driver.max_block_size).contains(&size) {
            return Ok(size);
        }
        match self.capacity {
            // SPDK says so of a disk whose medium is gone.
            0 => Ok(SECTOR_SIZE),
            _ => Err(LimitsError::BlockSize(size)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRIVER: DriverLimits = DriverLimits {
        max_segments: 126,
        max_segment_size: u32::MAX,
        min_segment_size: 4096,
        max_block_size: 65536,
    };

    const EMPTY: DeviceLimits = DeviceLimits {
        capacity: 1,
        block_size: None,
        size_max: None,
        seg_max: None,
        topology: None,
    };

    fn check(change: impl FnOnce(&mut DeviceLimits)) -> Result<DiskLimits, LimitsError> {
        let mut reported = EMPTY;
        change(&mut reported);
        reported.check(&DRIVER)
    }

    const ONE_SECTOR: Capacity = Capacity { usable: 1, rest: 0 };

    #[test]
    fn defaults_are_those_of_a_device_without_features() {
        assert_eq!(
            check(|_| ()),
            Ok(DiskLimits {
                capacity: ONE_SECTOR,
                logical_block_size: 512,
                hints: Hints::default(),
                max_segments: 1,
                max_segment_size: u32::MAX,
            })
        );
    }

    /// covers: BLK-D2
    #[test]
    fn impossible_block_sizes_are_refused() {
        for size in [0, 1, 3, 256, 513, 4097, 131072, u32::MAX] {
            assert_eq!(
                check(|r| r.block_size = Some(size)),
                Err(LimitsError::BlockSize(size))
            );
        }
        for size in [512, 1024, 4096, 65536] {
            let limits = check(|r| r.block_size = Some(size));
            assert_eq!(limits.map(|l| l.logical_block_size), Ok(size));
        }
    }

    #[test]
    fn block_size_of_nothing_does_not_matter() {
        for size in [0, 3, u32::MAX] {
            let limits = check(|r| {
                r.capacity = 0;
                r.block_size = Some(size);
            });
            assert_eq!(limits.map(|l| l.logical_block_size), Ok(512));
        }
    }

    #[test]
    fn segments_are_limited_by_both_sides() {
        for (seg_max, expected) in [
            // As in C.
            (0, 1),
            (1, 1),
            (126, 126),
            (127, 126),
            (65536, 126),
            (u32::MAX, 126),
        ] {
            let limits = check(|r| r.seg_max = Some(seg_max));
            assert_eq!(limits.map(|l| l.max_segments), Ok(expected));
        }
    }

    #[test]
    fn small_segments_are_refused() {
        for size in [1, 512, 4095] {
            assert_eq!(
                check(|r| r.size_max = Some(size)),
                Err(LimitsError::SegmentSize(size))
            );
        }
        for (size, expected) in [(4096, 4096), (0, u32::MAX)] {
            let limits = check(|r| r.size_max = Some(size));
            assert_eq!(limits.map(|l| l.max_segment_size), Ok(expected));
        }
    }

    #[test]
    fn request_has_room_for_a_block() {
        let with = |segments| {
            check(|r| {
                r.block_size = Some(65536);
                r.size_max = Some(4096);
                r.seg_max = Some(segments);
            })
        };
        assert_eq!(with(15).err(), Some(LimitsError::RequestSize(61440)));
        assert!(with(16).is_ok());
    }

    #[test]
    fn capacity_is_checked() {
        assert!(check(|r| r.capacity = 0).is_ok());
        assert_eq!(
            check(|r| r.capacity = u64::MAX),
            Err(LimitsError::Capacity(u64::MAX))
        );
    }

    #[test]
    fn queue_without_room_is_refused() {
        let driver = DriverLimits {
            max_segments: 0,
            ..DRIVER
        };
        assert_eq!(EMPTY.check(&driver), Err(LimitsError::QueueTooSmall));
    }
}
