// SPDX-License-Identifier: GPL-2.0

//! The callback of the block layer for zones.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::{
    disk::Disk,
    operations::Operations,
    private::Private,
    zones::ZoneReport, //
};
use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

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
