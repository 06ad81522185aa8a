// SPDX-License-Identifier: GPL-2.0

//! The device's configuration space (virtio 1.4, 5.2.4).

use crate::{
    limits::DeviceLimits,
    ranges::{
        Reported,
        ReportedRanges, //
    },
    spec::{
        config,
        feature, //
    },
    topology::Topology,
    zones::ReportedZones, //
};
use blk_mq::{
    CacheMode,
    Geometry, //
};
use kernel::prelude::*;
use rvirtio::{
    config::ConfigField,
    Config,
    Feature,
    Features, //
};

/// The configuration space of a device with which `features` were negotiated. They determine which
/// fields it has.
#[derive(Clone, Copy)]
pub(crate) struct BlkConfig<'bound> {
    config: Config<'bound>,
    features: Features,
}

impl<'bound> BlkConfig<'bound> {
    pub(crate) fn new(config: Config<'bound>, features: Features) -> Self {
        Self { config, features }
    }

    /// Returns the capacity in 512-byte sectors.
    pub(crate) fn capacity(&self) -> Result<u64> {
        self.config.read_u64(config::CAPACITY as u32)
    }

    /// Returns the fields that the limits of the disk depend on.
    pub(crate) fn limits(&self) -> Result<DeviceLimits> {
        Ok(DeviceLimits {
            capacity: self.capacity()?,
            block_size: self.field(feature::BLK_SIZE, config::BLK_SIZE)?,
            size_max: self.field(feature::SIZE_MAX, config::SIZE_MAX)?,
            seg_max: self.field(feature::SEG_MAX, config::SEG_MAX)?,
            topology: self.topology()?,
            ranges: self.ranges()?,
            zones: self.zones()?,
        })
    }

    fn topology(&self) -> Result<Option<Topology>> {
        self.group(feature::TOPOLOGY, || {
            Ok(Topology {
                physical_block_exp: self.read(config::PHYSICAL_BLOCK_EXP)?,
                alignment_offset: self.read(config::ALIGNMENT_OFFSET)?,
                min_io_size: self.read(config::MIN_IO_SIZE)?,
                opt_io_size: self.read(config::OPT_IO_SIZE)?,
            })
        })
    }

    fn ranges(&self) -> Result<ReportedRanges> {
        let discard = || {
            Ok(Reported {
                max_sectors: self.read(config::MAX_DISCARD_SECTORS)?,
                max_ranges: self.read(config::MAX_DISCARD_SEG)?,
                alignment: self.read(config::DISCARD_SECTOR_ALIGNMENT)?,
            })
        };
        let secure_erase = || {
            Ok(Reported {
                max_sectors: self.read(config::MAX_SECURE_ERASE_SECTORS)?,
                max_ranges: self.read(config::MAX_SECURE_ERASE_SEG)?,
                alignment: self.read(config::SECURE_ERASE_SECTOR_ALIGNMENT)?,
            })
        };
        Ok(ReportedRanges {
            discard: self.group(feature::DISCARD, discard)?,
            secure_erase: self.group(feature::SECURE_ERASE, secure_erase)?,
            write_zeroes: self.field(feature::WRITE_ZEROES, config::MAX_WRITE_ZEROES_SECTORS)?,
        })
    }

    fn zones(&self) -> Result<Option<ReportedZones>> {
        self.group(feature::ZONED, || {
            Ok(ReportedZones {
                model: self.read(config::ZONED_MODEL)?,
                sectors: self.read(config::ZONED_ZONE_SECTORS)?,
                max_open: self.read(config::ZONED_MAX_OPEN_ZONES)?,
                max_active: self.read(config::ZONED_MAX_ACTIVE_ZONES)?,
                max_append: self.read(config::ZONED_MAX_APPEND_SECTORS)?,
                granularity: self.read(config::ZONED_WRITE_GRANULARITY)?,
            })
        })
    }

    /// Returns the geometry for partitioning tools, if the device has one.
    #[doc(alias = "virtblk_getgeo")]
    pub(crate) fn geometry(&self) -> Result<Option<Geometry>> {
        self.group(feature::GEOMETRY, || {
            Ok(Geometry {
                cylinders: self.read(config::GEOMETRY_CYLINDERS)?,
                heads: self.read(config::GEOMETRY_HEADS)?,
                sectors: self.read(config::GEOMETRY_SECTORS)?,
            })
        })
    }

    /// Returns the number of request queues of the device.
    pub(crate) fn num_queues(&self) -> Result<u16> {
        Ok(self.field(feature::MQ, config::NUM_QUEUES)?.unwrap_or(1))
    }

    /// Returns whether the cache mode can be changed.
    pub(crate) fn has_cache_switch(&self) -> bool {
        self.features.contains(feature::CONFIG_WCE)
    }

    /// Returns the current cache mode. Without CONFIG_WCE, a device that supports flushes has a
    /// writeback cache.
    #[doc(alias = "virtblk_get_cache_mode")]
    pub(crate) fn cache_mode(&self) -> Result<CacheMode> {
        let writeback = match self.field::<u8>(feature::CONFIG_WCE, config::WRITEBACK)? {
            Some(writeback) => writeback != 0,
            None => self.features.contains(feature::FLUSH),
        };
        Ok(if writeback {
            CacheMode::WriteBack
        } else {
            CacheMode::WriteThrough
        })
    }

    /// Requests a cache mode. The device may ignore this: [`BlkConfig::cache_mode`] returns the
    /// actual mode.
    pub(crate) fn set_cache_mode(&self, mode: CacheMode) -> Result {
        let writeback = (mode == CacheMode::WriteBack).into();
        self.config.write(config::WRITEBACK as u32, writeback)
    }

    /// Reads a field that exists if `feature` was negotiated.
    fn field<T: ConfigField>(&self, feature: Feature, offset: usize) -> Result<Option<T>> {
        let field = || self.read(offset);
        self.features.contains(feature).then(field).transpose()
    }

    /// Reads related fields, which exist if `feature` was negotiated, consistently.
    fn group<T>(&self, feature: Feature, mut read: impl FnMut() -> Result<T>) -> Result<Option<T>> {
        let group = || self.config.consistent(|_| read());
        self.features.contains(feature).then(group).transpose()
    }

    fn read<T: ConfigField>(&self, offset: usize) -> Result<T> {
        // CAST: Offsets are small constants.
        self.config.read(offset as u32)
    }
}
