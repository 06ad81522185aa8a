// SPDX-License-Identifier: GPL-2.0

//! The limits of requests, computed from what the device reports. Tested on the host.
//!
//! Devices are not trusted, so all values that requests depend on are checked here. Values that do
//! not work for the block layer or the queue are errors, except for those that known devices use
//! with another meaning. Invalid hints are ignored.

use super::{
    capacity::Capacity,
    ranges::{
        RangeLimits,
        ReportedRanges, //
    },
    spec::SECTOR_SIZE,
    topology::{
        Hints,
        Topology, //
    },
    zones::{
        ReportedZones,
        ZoneLimits,
        ZonesError, //
    }, //
};
use core::fmt;

/// The limits that a device reports; `None` without the feature.
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
    /// Requests that name ranges of sectors.
    pub(crate) ranges: ReportedRanges,
    /// Zones (`ZONED`).
    pub(crate) zones: Option<ReportedZones>,
}

/// The limits of driver and block layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DriverLimits {
    /// The largest number of segments.
    pub(crate) max_segments: u16,
    /// The largest segment that can be mapped, in bytes.
    pub(crate) max_segment_size: u32,
    /// The smallest limit for the size of a segment that the block layer supports, in bytes.
    pub(crate) min_segment_size: u32,
    /// The largest logical block size that the block layer supports, in bytes.
    pub(crate) max_block_size: u32,
}

/// The resulting limits. Sizes are in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DiskLimits {
    /// Capacity in 512-byte sectors. It must not be read again, because it may have changed since.
    pub(crate) capacity: Capacity,
    pub(crate) logical_block_size: u32,
    pub(crate) hints: Hints,
    pub(crate) ranges: RangeLimits,
    /// `None` if the disk has no zones that matter.
    pub(crate) zones: Option<ZoneLimits>,
    pub(crate) max_segments: u16,
    pub(crate) max_segment_size: u32,
    /// The largest request in 512-byte sectors.
    pub(crate) max_sectors: u32,
}

/// A reason why a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LimitsError {
    /// The capacity in bytes is too large for the block layer.
    Capacity(u64),
    /// The logical block size is not a power of two, or out of bounds.
    BlockSize(u32),
    /// Segments are too small for the block layer.
    SegmentSize(u32),
    /// The largest request is smaller than a block.
    RequestSize(u64),
    /// Requests would need more descriptors than the queue has.
    QueueTooSmall,
    /// The disk has zones that cannot be used.
    Zones(ZonesError),
}

impl fmt::Display for LimitsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(n) => write!(f, "invalid capacity of {n} sectors"),
            Self::BlockSize(n) => write!(f, "invalid block size {n}"),
            Self::SegmentSize(n) => write!(f, "invalid segment size {n} (SIZE_MAX)"),
            Self::RequestSize(n) => {
                write!(f, "requests of {n} bytes in pages are smaller than a block")
            }
            Self::Zones(error) => error.fmt(f),
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
            // As in C: requests without any data would be useless.
            Some(0) | None => 1,
            // The smaller of both limits applies.
            Some(n) => u16::try_from(n)
                .unwrap_or(u16::MAX)
                .min(driver.max_segments),
        };
        let max_segment_size = match self.size_max {
            // 0 means no limit: QEMU's vhost-user export reports it.
            Some(0) | None => driver.max_segment_size,
            Some(n) => n.min(driver.max_segment_size),
        };
        if max_segment_size < driver.min_segment_size {
            return Err(LimitsError::SegmentSize(max_segment_size));
        }
        // The pages of a block need not follow each other in memory.
        let segment = max_segment_size.min(driver.min_segment_size);
        let largest = u64::from(segment) * u64::from(max_segments);
        if largest < logical_block_size.into() {
            return Err(LimitsError::RequestSize(largest));
        }
        let hints = self.topology.map(|t| t.hints(logical_block_size));
        let mut hints = hints.unwrap_or_default();
        let zones = match self.zones {
            Some(zones) => zones
                .check(capacity.usable, logical_block_size)
                .map_err(LimitsError::Zones)?,
            None => None,
        };
        let mut ranges = self.ranges;
        if let Some(zones) = &zones {
            // As in C.
            hints.physical_block_size = zones.granularity;
            hints.io_min = zones.granularity;
            ranges.discard = None;
        }
        let physical = hints.physical_block_size;
        Ok(DiskLimits {
            capacity,
            logical_block_size,
            hints,
            ranges: ranges.limits(logical_block_size, physical),
            zones,
            max_segments,
            max_segment_size,
            // The device only limits number and size of the segments. But memory that a segment is
            // copied to is scarce, and a request must not need all of it.
            max_sectors: match driver.max_segment_size {
                u32::MAX => u32::MAX,
                mapped => mapped / SECTOR_SIZE,
            },
        })
    }

    fn block_size(&self, driver: &DriverLimits) -> Result<u32, LimitsError> {
        let size = self.block_size.unwrap_or(SECTOR_SIZE);
        if size.is_power_of_two() && (SECTOR_SIZE..=driver.max_block_size).contains(&size) {
            return Ok(size);
        }
        match self.capacity {
            // SPDK reports invalid block sizes for a disk without a medium.
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
        ranges: ReportedRanges {
            discard: None,
            secure_erase: None,
            write_zeroes: None,
        },
        zones: None,
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
                ranges: EMPTY.ranges.limits(512, 0),
                zones: None,
                max_segments: 1,
                max_segment_size: u32::MAX,
                max_sectors: u32::MAX,
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
            let limits = check(|r| {
                r.block_size = Some(size);
                r.seg_max = Some(16);
            });
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
        let unlimited = check(|r| {
            r.block_size = Some(65536);
            r.seg_max = Some(14);
        });
        assert_eq!(unlimited.err(), Some(LimitsError::RequestSize(57344)));
    }

    #[test]
    fn requests_are_not_larger_than_what_can_be_mapped() {
        let driver = DriverLimits {
            max_segment_size: 256 << 10,
            ..DRIVER
        };
        let limits = EMPTY.check(&driver);
        assert_eq!(limits.map(|l| l.max_sectors), Ok(512));
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
