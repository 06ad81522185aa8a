// SPDX-License-Identifier: GPL-2.0

//! The limits of a disk's requests.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::helpers::{
    rvirtio_blk_feat_zoned,
    rvirtio_helper_queue_limits_set_write_cache, //
};
use kernel::{
    bindings,
    page::PAGE_SIZE,
    sizes::SZ_64K, //
};

/// The largest logical block size in bytes that the block layer supports.
#[doc(alias = "BLK_MAX_BLOCK_SIZE")]
// CAST: The numbers are small. Without huge pages, C has a macro that bindgen cannot evaluate.
pub const MAX_BLOCK_SIZE: u32 = if cfg!(CONFIG_TRANSPARENT_HUGEPAGE) {
    SZ_64K as u32
} else {
    PAGE_SIZE as u32
};

/// The smallest limit for the size of a segment in bytes that the block layer supports.
#[doc(alias = "BLK_MIN_SEGMENT_SIZE")]
pub const MIN_SEGMENT_SIZE: u32 = 4096;

/// The cache mode of a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CacheMode {
    /// They are.
    WriteThrough,
    /// Not before a flush.
    WriteBack,
}

/// The limits of a disk's requests. Sizes are in bytes unless noted otherwise.
///
/// Segment boundaries and gaps between segments are not supported.
#[doc(alias = "queue_limits")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The unit of addressing: a power of two from 512 to [`MAX_BLOCK_SIZE`].
    pub logical_block_size: u32,
    /// The unit that can be written without reading before: a power of two, or 0 for the logical
    /// block size.
    pub physical_block_size: u32,
    /// The offset of the first physical block.
    pub alignment_offset: u32,
    /// The smallest efficient size, 0 for the default.
    pub io_min: u32,
    /// The most efficient size, 0 for none.
    pub io_opt: u32,
    /// The largest number of segments of a request, not 0.
    pub max_segments: u16,
    /// The largest size of a segment, at least [`MIN_SEGMENT_SIZE`].
    pub max_segment_size: u32,
    /// The largest size of a request in 512-byte sectors.
    pub max_hw_sectors: u32,
    /// The limits of requests that only name ranges of sectors.
    pub ranges: RangeLimits,
    /// The zones of a disk that can only be written in order.
    pub zones: Option<ZoneLimits>,
    /// Whether flushes are needed.
    pub cache: CacheMode,
    /// Whether access times depend on the position.
    pub rotational: bool,
}

/// The limits of requests that only name ranges of sectors. Lengths are in 512-byte sectors; 0 means
/// that there are no such requests. Those that are not 0 must be at least a logical block, and that
/// of discards at least [`RangeLimits::discard_granularity`] and a physical block.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RangeLimits {
    /// The largest length of all ranges of a discard.
    pub max_discard_sectors: u32,
    /// The largest number of ranges of a discard.
    pub max_discard_segments: u16,
    /// The unit of discards in bytes, which their ranges are aligned to if they are split.
    pub discard_granularity: u32,
    /// The largest length of a secure erase.
    pub max_secure_erase_sectors: u32,
    /// The largest length of a write of zeroes.
    pub max_write_zeroes_sectors: u32,
}

/// Whether the kernel supports disks with zones.
pub const HAS_ZONES: bool = cfg!(CONFIG_BLK_DEV_ZONED);

/// The zones of a disk. The block layer writes to each of them in order, and has appended data written
/// at the end: it sends no requests to append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ZoneLimits {
    /// The size of a zone in 512-byte sectors, a power of two.
    pub sectors: u32,
    /// The largest number of open zones, 0 for any.
    pub max_open: u32,
    /// The largest number of zones that are open or closed, 0 for any.
    pub max_active: u32,
    /// The unit of writes in bytes, a power of two.
    pub write_granularity: u32,
}

impl Limits {
    pub(crate) fn into_raw(self) -> bindings::queue_limits {
        let mut lim = bindings::queue_limits {
            logical_block_size: self.logical_block_size,
            physical_block_size: self.physical_block_size,
            alignment_offset: self.alignment_offset,
            io_min: self.io_min,
            io_opt: self.io_opt,
            max_segments: self.max_segments,
            max_segment_size: self.max_segment_size,
            max_hw_sectors: self.max_hw_sectors,
            max_hw_discard_sectors: self.ranges.max_discard_sectors,
            max_discard_segments: self.ranges.max_discard_segments,
            discard_granularity: self.ranges.discard_granularity,
            max_secure_erase_sectors: self.ranges.max_secure_erase_sectors,
            max_write_zeroes_sectors: self.ranges.max_write_zeroes_sectors,
            ..pin_init::zeroed()
        };
        if self.rotational {
            lim.features |= bindings::BLK_FEAT_ROTATIONAL;
        }
        if let Some(zones) = self.zones {
            // SAFETY: The static is a constant.
            lim.features |= unsafe { rvirtio_blk_feat_zoned };
            lim.chunk_sectors = zones.sectors;
            lim.max_open_zones = zones.max_open;
            lim.max_active_zones = zones.max_active;
            lim.zone_write_granularity = zones.write_granularity;
        }
        set_cache(&mut lim, self.cache);
        lim
    }
}

/// Sets the cache mode in raw limits.
pub(crate) fn set_cache(lim: &mut bindings::queue_limits, cache: CacheMode) {
    // SAFETY: `lim` is an exclusive reference, so it is valid.
    unsafe { rvirtio_helper_queue_limits_set_write_cache(lim, cache == CacheMode::WriteBack) }
}
