// SPDX-License-Identifier: GPL-2.0

//! What requests a device can take, from what it says: a pure function, tested on the host.
//!
//! Devices are not trusted. What the block layer or the queue could not work with is an error;
//! hints that make no sense are left out.

use super::spec::SECTOR_SIZE;
use core::fmt;

/// What a device says, with `None` for what it has no feature for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reported {
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

/// A device's hints for sizes and alignment, in logical blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Topology {
    /// Blocks in a physical block, as an exponent of 2.
    pub(crate) physical_block_exp: u8,
    /// The first block that starts a physical one.
    pub(crate) alignment_offset: u8,
    /// Smallest efficient size.
    pub(crate) min_io_size: u16,
    /// Best size.
    pub(crate) opt_io_size: u32,
}

/// What driver and block layer can do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Segments that the driver has room for.
    pub(crate) max_segments: u16,
    /// The largest segment that can be mapped, in bytes.
    pub(crate) max_segment_size: u32,
    /// The smallest limit for a segment that the block layer works with, in bytes.
    pub(crate) min_segment_size: u32,
    /// The largest logical block size that the block layer works with, in bytes.
    pub(crate) max_block_size: u32,
}

/// What holds for both sides. Sizes are in bytes, and 0 if the device does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Checked {
    /// Capacity in 512-byte sectors. Not to be read again: the device could have changed it.
    pub(crate) capacity: u64,
    pub(crate) logical_block_size: u32,
    pub(crate) physical_block_size: u32,
    pub(crate) alignment_offset: u32,
    pub(crate) io_min: u32,
    pub(crate) io_opt: u32,
    pub(crate) max_segments: u16,
    pub(crate) max_segment_size: u32,
    /// A hint was left out, because it is too large for 32 bits.
    pub(crate) hints_ignored: bool,
}

/// Why no disk can be made of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Impossible {
    /// The capacity is nothing, or more bytes than can be counted.
    Capacity(u64),
    /// The logical block size is no power of two, or out of bounds.
    BlockSize(u32),
    /// No segments are allowed.
    NoSegments,
    /// Segments are too small for the block layer.
    SegmentSize(u32),
    /// Requests would need more descriptors than the queue has.
    QueueTooSmall,
}

impl fmt::Display for Impossible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Capacity(n) => write!(f, "impossible capacity of {n} sectors"),
            Self::BlockSize(n) => write!(f, "impossible block size of {n} bytes"),
            Self::NoSegments => f.write_str("requests may have no segments (SEG_MAX is 0)"),
            Self::SegmentSize(n) => {
                write!(f, "segments of at most {n} bytes are too small (SIZE_MAX)")
            }
            Self::QueueTooSmall => f.write_str("queue is too small for any request"),
        }
    }
}

/// The block layer counts bytes in a signed 64-bit integer.
#[doc(alias = "BLK_DEV_MAX_SECTORS")]
pub(crate) const MAX_CAPACITY: u64 = i64::MAX as u64 / SECTOR_SIZE as u64;

impl Reported {
    /// Returns the limits of the disk.
    #[doc(alias = "virtblk_read_limits")]
    pub(crate) fn check(&self, bounds: &Bounds) -> Result<Checked, Impossible> {
        if self.capacity == 0 || self.capacity > MAX_CAPACITY {
            return Err(Impossible::Capacity(self.capacity));
        }
        let block = self.block_size.unwrap_or(SECTOR_SIZE);
        if !block.is_power_of_two() || !(SECTOR_SIZE..=bounds.max_block_size).contains(&block) {
            return Err(Impossible::BlockSize(block));
        }
        if bounds.max_segments == 0 {
            return Err(Impossible::QueueTooSmall);
        }
        let max_segments = match self.seg_max {
            Some(0) => return Err(Impossible::NoSegments),
            // A larger number than ours fits or is cut off.
            Some(n) => u16::try_from(n)
                .unwrap_or(u16::MAX)
                .min(bounds.max_segments),
            None => 1,
        };
        let max_segment_size = self
            .size_max
            .map_or(bounds.max_segment_size, |n| n.min(bounds.max_segment_size));
        if max_segment_size < bounds.min_segment_size {
            return Err(Impossible::SegmentSize(max_segment_size));
        }

        let mut checked = Checked {
            capacity: self.capacity,
            logical_block_size: block,
            physical_block_size: 0,
            alignment_offset: 0,
            io_min: 0,
            io_opt: 0,
            max_segments,
            max_segment_size,
            hints_ignored: false,
        };
        if let Some(topology) = &self.topology {
            topology.apply(&mut checked);
        }
        Ok(checked)
    }
}

impl Topology {
    fn apply(&self, to: &mut Checked) {
        let block = to.logical_block_size;
        let mut hint = |bytes: Option<u32>| {
            to.hints_ignored |= bytes.is_none();
            bytes.unwrap_or(0)
        };
        to.physical_block_size = hint(
            1u32.checked_shl(self.physical_block_exp.into())
                .and_then(|blocks| block.checked_mul(blocks)),
        );
        to.alignment_offset = hint(block.checked_mul(self.alignment_offset.into()));
        to.io_min = hint(block.checked_mul(self.min_io_size.into()));
        to.io_opt = hint(block.checked_mul(self.opt_io_size));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        max_segments: 126,
        max_segment_size: u32::MAX,
        min_segment_size: 4096,
        max_block_size: 65536,
    };

    const EMPTY: Reported = Reported {
        capacity: 1,
        block_size: None,
        size_max: None,
        seg_max: None,
        topology: None,
    };

    fn check(change: impl FnOnce(&mut Reported)) -> Result<Checked, Impossible> {
        let mut reported = EMPTY;
        change(&mut reported);
        reported.check(&BOUNDS)
    }

    #[test]
    fn defaults_are_those_of_a_device_without_features() {
        assert_eq!(
            check(|_| ()),
            Ok(Checked {
                capacity: 1,
                logical_block_size: 512,
                physical_block_size: 0,
                alignment_offset: 0,
                io_min: 0,
                io_opt: 0,
                max_segments: 1,
                max_segment_size: u32::MAX,
                hints_ignored: false,
            })
        );
    }

    /// covers: BLK-D2
    #[test]
    fn impossible_block_sizes_are_refused() {
        for size in [0, 1, 3, 256, 513, 4097, 131072, u32::MAX] {
            assert_eq!(
                check(|r| r.block_size = Some(size)),
                Err(Impossible::BlockSize(size))
            );
        }
        for size in [512, 1024, 4096, 65536] {
            let limits = check(|r| r.block_size = Some(size));
            assert_eq!(limits.map(|l| l.logical_block_size), Ok(size));
        }
    }

    #[test]
    fn segments_are_limited_by_both_sides() {
        for (seg_max, expected) in [
            (1, 1),
            (126, 126),
            (127, 126),
            (65536, 126),
            (u32::MAX, 126),
        ] {
            let limits = check(|r| r.seg_max = Some(seg_max));
            assert_eq!(limits.map(|l| l.max_segments), Ok(expected));
        }
        assert_eq!(check(|r| r.seg_max = Some(0)), Err(Impossible::NoSegments));
    }

    #[test]
    fn small_segments_are_refused() {
        for size in [0, 1, 512, 4095] {
            assert_eq!(
                check(|r| r.size_max = Some(size)),
                Err(Impossible::SegmentSize(size))
            );
        }
        let limits = check(|r| r.size_max = Some(4096));
        assert_eq!(limits.map(|l| l.max_segment_size), Ok(4096));
    }

    #[test]
    fn capacity_of_nothing_or_too_much_is_refused() {
        assert!(check(|r| r.capacity = 1).is_ok());
        assert!(check(|r| r.capacity = MAX_CAPACITY).is_ok());
        for capacity in [0, MAX_CAPACITY + 1, u64::MAX] {
            assert_eq!(
                check(|r| r.capacity = capacity),
                Err(Impossible::Capacity(capacity))
            );
        }
    }

    #[test]
    fn queue_without_room_is_refused() {
        let bounds = Bounds {
            max_segments: 0,
            ..BOUNDS
        };
        assert_eq!(EMPTY.check(&bounds), Err(Impossible::QueueTooSmall));
    }

    #[test]
    fn topology_is_in_blocks() {
        let limits = check(|r| {
            r.block_size = Some(4096);
            r.topology = Some(Topology {
                physical_block_exp: 2,
                alignment_offset: 1,
                min_io_size: 8,
                opt_io_size: 16,
            });
        });
        assert_eq!(
            limits.map(|l| (
                l.physical_block_size,
                l.alignment_offset,
                l.io_min,
                l.io_opt
            )),
            Ok((16384, 4096, 32768, 65536))
        );
    }

    #[test]
    fn hints_that_overflow_are_left_out() {
        let limits = check(|r| {
            r.topology = Some(Topology {
                physical_block_exp: 255,
                alignment_offset: 0,
                min_io_size: 1,
                opt_io_size: u32::MAX,
            });
        });
        assert_eq!(
            limits.map(|l| (l.physical_block_size, l.io_min, l.io_opt, l.hints_ignored)),
            Ok((0, 512, 0, true))
        );
    }
}
