// SPDX-License-Identifier: GPL-2.0

//! The private data of a disk, which exists until the last user has closed the disk, even if its
//! driver is unbound.
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
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

/// The private data, with the lifetime of the C structure. This can be longer than the driver is
/// bound, because the disk may still be open.
#[pin_data]
pub(crate) struct Private {
    /// Whether the driver is bound. The lock is held while it is called for somebody who may have had the
    /// disk open since before.
    #[pin]
    pub(crate) bound: Mutex<bool>,
    pub(crate) geometry: Option<Geometry>,
    /// Prevents the name from being used again.
    pub(crate) _index: NameIndex,
}

impl Private {
    pub(crate) fn new(geometry: Option<Geometry>, index: NameIndex) -> impl PinInit<Self> {
        pin_init!(Self {
            bound <- new_mutex!(true, "blk_mq::Private::bound"),
            geometry,
            _index: index,
        })
    }
}

/// # Safety
///
/// `private` must be the private data of a disk, and must not be used afterwards.
pub(crate) unsafe fn free_private(private: *mut c_void) {
    // SAFETY: `GenDisk::allocate` sets a disk's private data to the result of
    // `KBox::<Private>::into_raw`, and nobody else uses it any more (safety requirement).
    drop(unsafe { KBox::<Private>::from_raw(private.cast()) });
}

/// Frees the private data of a disk that was added, after its last reference was dropped.
pub(crate) extern "C" fn free_disk(disk: *mut bindings::gendisk) {
    // SAFETY: The block layer calls this for disks with `GenDisk::FOPS`, when nobody uses them any
    // more.
    unsafe { free_private((*disk).private_data) }
}

/// Returns the geometry, for old partitioning tools. The driver may already be unbound.
pub(crate) extern "C" fn getgeo(
    disk: *mut bindings::gendisk,
    geo: *mut bindings::hd_geometry,
) -> c_int {
    // SAFETY: The block layer calls this for disks with `GenDisk::FOPS`, whose private data is a
    // `Private` that exists as long as the disk.
    let private = unsafe { &*(*disk).private_data.cast::<Private>() };
    let geometry = private.geometry.unwrap_or_else(|| {
        // SAFETY: The block layer passes a valid disk, which has a `part0`.
        Geometry::for_capacity(unsafe { (*(*disk).part0).bd_nr_sectors })
    });
    // SAFETY: The block layer passes a `geo` that is valid for writes.
    unsafe {
        rvirtio_helper_hd_geometry_set(geo, geometry.cylinders, geometry.heads, geometry.sectors)
    };
    0
}
