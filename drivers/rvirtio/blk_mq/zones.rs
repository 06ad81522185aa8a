// SPDX-License-Identifier: GPL-2.0

//! Reports of zones.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::{
    disk::Disk,
    operations::Operations,
    private::Private, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// A zone. Positions and lengths are in 512-byte sectors.
#[doc(alias = "blk_zone")]
#[derive(Clone, Copy, Debug)]
pub struct Zone {
    /// The first sector.
    pub start: u64,
    /// The number of sectors.
    pub len: u64,
    /// The number of sectors that can be written.
    pub capacity: u64,
    /// The sector of the next write.
    pub write_pointer: u64,
    /// The type, with the values of `BLK_ZONE_TYPE_*`.
    pub kind: u8,
    /// The condition, with the values of `BLK_ZONE_COND_*`.
    pub condition: u8,
}

/// The user of a report, who takes one zone after the other.
///
/// # Invariants
///
/// `disk` is a disk with zones, and `args` was passed to the callback for it, which has not returned.
pub struct ZoneReport<'a> {
    disk: *mut bindings::gendisk,
    args: *mut bindings::blk_report_zones_args,
    wanted: c_uint,
    count: c_uint,
    _call: PhantomData<&'a ()>,
}

impl ZoneReport<'_> {
    /// Returns the number of zones that can still be added.
    pub fn missing(&self) -> u32 {
        self.wanted - self.count
    }

    /// Returns whether no zone was added.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Adds the next zone.
    ///
    /// # Errors
    ///
    /// `ENOSPC` if no more are wanted; those of the user.
    #[doc(alias = "disk_report_zone")]
    pub fn add(&mut self, zone: &Zone) -> Result {
        if self.missing() == 0 {
            return Err(ENOSPC);
        }
        let mut raw = bindings::blk_zone {
            start: zone.start,
            len: zone.len,
            capacity: zone.capacity,
            wp: zone.write_pointer,
            type_: zone.kind,
            cond: zone.condition,
            ..pin_init::zeroed()
        };
        to_result(self.pass(&mut raw))?;
        self.count += 1;
        Ok(())
    }

    #[cfg(CONFIG_BLK_DEV_ZONED)]
    fn pass(&self, zone: &mut bindings::blk_zone) -> c_int {
        // SAFETY: Disk and arguments are valid (type invariant), and so is the zone.
        unsafe { bindings::disk_report_zone(self.disk, zone, self.count, self.args) }
    }

    #[cfg(not(CONFIG_BLK_DEV_ZONED))]
    fn pass(&self, _zone: &mut bindings::blk_zone) -> c_int {
        let _ = (self.disk, self.args);
        EOPNOTSUPP.to_errno()
    }
}

/// The type of the callback.
type Callback = unsafe extern "C" fn(
    *mut bindings::gendisk,
    bindings::sector_t,
    c_uint,
    *mut bindings::blk_report_zones_args,
) -> c_int;

/// Returns the callback for reports of disks of `T`.
pub(crate) const fn callback<T: Operations>() -> Option<Callback> {
    Some(report_zones::<T>)
}

/// # Safety
///
/// For callers in the block layer only.
unsafe extern "C" fn report_zones<T: Operations>(
    disk: *mut bindings::gendisk,
    sector: bindings::sector_t,
    nr_zones: c_uint,
    args: *mut bindings::blk_report_zones_args,
) -> c_int {
    // SAFETY: The block layer calls this for disks with `GenDisk::FOPS`, whose private data is a
    // `Private` that exists as long as the disk.
    let private = unsafe { &*(*disk).private_data.cast::<Private>() };
    let bound = private.bound.lock();
    if !*bound {
        return ENXIO.to_errno();
    }
    // INVARIANT: The block layer calls this for disks with zones, and waits until it returns.
    let mut report = ZoneReport {
        disk,
        args,
        // CAST: Zones are counted by an `int` that is returned.
        wanted: nr_zones.min(c_int::MAX as c_uint),
        count: 0,
        _call: PhantomData,
    };
    // SAFETY: The disk belongs to a `GenDisk` with the operations `T`, as it has its callbacks. That is
    // not dropped while the driver is bound, which the lock ensures.
    let disk: &Disk<T::HwQueue, T::DiskData> = unsafe { Disk::from_raw(disk) };
    match T::report_zones(disk, sector, &mut report) {
        // CAST: It is at most `wanted`.
        Ok(()) => report.count as c_int,
        Err(error) => error.to_errno(),
    }
}

/// Has the block layer read the zones of a disk, if it has any.
///
/// # Errors
///
/// Those of the report, and `ENODEV` if the zones are not those that its limits announce.
///
/// # Safety
///
/// The disk must be valid and not added, and its device must answer.
#[cfg(CONFIG_BLK_DEV_ZONED)]
pub(crate) unsafe fn revalidate(disk: *mut bindings::gendisk) -> Result {
    // SAFETY: The disk is valid, and so are its queue and its limits (safety requirement). The static is
    // a constant.
    let zoned =
        unsafe { (*(*disk).queue).limits.features & crate::helpers::rvirtio_blk_feat_zoned != 0 };
    if zoned {
        // SAFETY: The disk is valid, and nobody else uses it (safety requirement).
        to_result(unsafe { bindings::blk_revalidate_disk_zones(disk) })?;
    }
    Ok(())
}

#[cfg(not(CONFIG_BLK_DEV_ZONED))]
pub(crate) unsafe fn revalidate(_disk: *mut bindings::gendisk) -> Result {
    Ok(())
}
