// SPDX-License-Identifier: GPL-2.0

//! Reports of zones.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

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
    pub(crate) disk: *mut bindings::gendisk,
    pub(crate) args: *mut bindings::blk_report_zones_args,
    pub(crate) wanted: c_uint,
    pub(crate) count: c_uint,
    pub(crate) _call: PhantomData<&'a ()>,
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
