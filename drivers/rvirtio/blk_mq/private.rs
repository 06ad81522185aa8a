// SPDX-License-Identifier: GPL-2.0

//! What a disk has for as long as somebody has it open, even when its driver is gone.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::{
    disk::Geometry,
    helpers::rvirtio_helper_hd_geometry_set,
    name::NameIndex, //
};
use kernel::{
    bindings,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*, //
};

/// What lives as long as the C structure, which can be longer than the driver is bound: somebody
/// may still have the disk open.
pub(crate) struct Private {
    pub(crate) geometry: Option<Geometry>,
    /// Keeps the name from being used again.
    pub(crate) _index: NameIndex,
}

/// # Safety
///
/// `private` must be the private data of a disk, and used by nobody after this.
pub(crate) unsafe fn free_private(private: *mut c_void) {
    // SAFETY: A disk's private data comes from `KBox::into_raw` in `GenDisk::allocate`.
    drop(unsafe { KBox::<Private>::from_raw(private.cast()) });
}

/// Called when the last user of a disk that was added is gone.
pub(crate) extern "C" fn free_disk(disk: *mut bindings::gendisk) {
    // SAFETY: The disk is one of ours, and nobody uses it any more.
    unsafe { free_private((*disk).private_data) }
}

/// For old partitioning tools. The driver may be unbound already.
pub(crate) extern "C" fn getgeo(
    disk: *mut bindings::gendisk,
    geo: *mut bindings::hd_geometry,
) -> c_int {
    // SAFETY: The disk is one of ours, and its private data lives as long as it does.
    let private = unsafe { &*(*disk).private_data.cast::<Private>() };
    let geometry = private.geometry.unwrap_or_else(|| {
        // SAFETY: The disk is valid.
        Geometry::for_capacity(unsafe { (*(*disk).part0).bd_nr_sectors })
    });
    // SAFETY: The block layer passes a structure to be filled.
    unsafe {
        rvirtio_helper_hd_geometry_set(geo, geometry.cylinders, geometry.heads, geometry.sectors)
    };
    0
}
