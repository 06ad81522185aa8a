// SPDX-License-Identifier: GPL-2.0

//! Disks.
//!
//! C header: [`include/linux/blkdev.h`](srctree/include/linux/blkdev.h)

use crate::{
    attribute::AttributeList,
    disk::{
        Disk,
        Geometry, //
    },
    limits::Limits,
    name::NameIndex,
    operations::Operations,
    private::{
        free_disk,
        free_private,
        getgeo,
        Private, //
    },
    tag_set::TagSet, //
};
use core::{
    convert::Infallible,
    ops::Deref,
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::{
        from_err_ptr,
        to_result, //
    },
    module::this_module,
    new_mutex,
    prelude::*,
    static_lock_class,
    sync::Mutex, //
};
use rvirtio::Ready;

/// Whether a disk can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// It can.
    ReadWrite,
    /// It can not, and nobody can change that.
    ReadOnly,
}

/// How a disk is to be.
pub struct DiskConfig<'a> {
    /// What its name starts with; letters follow.
    pub name_prefix: &'a [u8],
    /// Its size in 512-byte sectors, may be 0.
    pub capacity: u64,
    /// What requests it takes.
    pub limits: Limits,
    /// Whether it can be written.
    pub access: Access,
    /// The geometry to tell who asks. Without, one is made up from the capacity.
    pub geometry: Option<Geometry>,
}

/// The life of a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// It was not added yet.
    New,
    /// It is there for all to use.
    Added,
    /// It was removed.
    Removed,
}

/// A disk of the driver's, with its tag set and the driver's data.
///
/// Dereferences to [`Disk`], which has what can be done with it.
///
/// # Invariants
///
/// - `disk` is valid, on `tag_set`, with `data` as queue data and private data that points to a
///   [`Private`] from a box. This value owns a reference to it.
/// - It was added if and only if `state` is not `New`, and then deleted if `state` is `Removed`.
#[doc(alias = "gendisk")]
#[pin_data(PinnedDrop)]
pub struct GenDisk<'bound, T: Operations> {
    disk: NonNull<bindings::gendisk>,
    /// Guards changes of the size too, which are different before, while and after the disk is
    /// there.
    #[pin]
    state: Mutex<State>,
    #[pin]
    tag_set: TagSet<'bound, T>,
    #[pin]
    data: T::DiskData,
}

// SAFETY: A disk can be removed by any thread, and what it owns is `Send`.
unsafe impl<T: Operations> Send for GenDisk<'_, T> {}
// SAFETY: All methods take locks; the driver's data is `Sync`.
unsafe impl<T: Operations> Sync for GenDisk<'_, T> {}

impl<'bound, T: Operations> GenDisk<'bound, T> {
    const FOPS: bindings::block_device_operations = bindings::block_device_operations {
        owner: this_module::<T::OwnerModule>().as_ptr(),
        getgeo: Some(getgeo),
        free_disk: Some(free_disk),
        ..pin_init::zeroed()
    };

    /// Creates a disk that nobody sees yet.
    ///
    /// # Errors
    ///
    /// `EINVAL` when the block layer refuses the limits, or the name is too long.
    pub fn new<'a>(
        tag_set: impl PinInit<TagSet<'bound, T>, Error> + 'a,
        config: DiskConfig<'a>,
        data: impl PinInit<T::DiskData, Error> + 'a,
    ) -> impl PinInit<Self, Error> + 'a
    where
        Self: 'a,
    {
        // INVARIANT: The disk is allocated with what was initialised before it, and not added.
        try_pin_init!(Self {
            tag_set <- tag_set,
            data <- data,
            state <- new_mutex!(State::New, "GenDisk::state"),
            disk: Self::allocate(&tag_set, &config, &data)?,
        }? Error)
    }

    fn allocate(
        tag_set: &TagSet<'bound, T>,
        config: &DiskConfig<'_>,
        data: &T::DiskData,
    ) -> Result<NonNull<bindings::gendisk>> {
        let index = NameIndex::allocate()?;
        let name = index.name(config.name_prefix)?;
        let private = KBox::new(
            Private {
                geometry: config.geometry,
                _index: index,
            },
            GFP_KERNEL,
        )?;
        let mut lim = config.limits.into_raw();
        let data: *const T::DiskData = data;

        // SAFETY: The tag set is allocated, and the limits are valid for the call.
        let disk = from_err_ptr(unsafe {
            bindings::__blk_mq_alloc_disk(
                tag_set.as_raw(),
                &mut lim,
                data.cast_mut().cast(),
                static_lock_class!().as_ptr(),
            )
        })?;
        // SAFETY: It was just allocated, and nobody else knows it.
        unsafe {
            (*disk).disk_name = name;
            (*disk).fops = &Self::FOPS;
            (*disk).private_data = KBox::into_raw(private).cast();
            bindings::set_disk_ro(disk, config.access == Access::ReadOnly);
            bindings::set_capacity(disk, config.capacity);
        }
        NonNull::new(disk).ok_or(ENOMEM)
    }

    /// Makes the disk visible until the device is unbound, below the virtio device in sysfs. The
    /// device has to be ready, as partitions are read before this returns.
    ///
    /// # Errors
    ///
    /// `EEXIST` when there is a disk of this name, `EBUSY` when it was added before, `ENOMEM`.
    #[doc(alias = "device_add_disk")]
    pub fn add<'a>(&'a self, ready: &Ready<'a>) -> Result {
        // The disk is not there for longer than what it borrows.
        ready.keep::<_, Infallible>(Added { disk: self })?;
        let mut state = self.state.lock();
        if *state != State::New {
            return Err(EBUSY);
        }
        let groups = <T::Attributes as AttributeList<T::HwQueue, T::DiskData>>::GROUPS;
        // INVARIANT: On success it is added; on failure `drop` finds it as it was.
        // SAFETY: The disk is valid and not added (type invariant and state). The groups are
        // static, and the parent outlives the disk's being added, as it is bound.
        to_result(unsafe {
            bindings::device_add_disk(
                ready.device().as_raw(),
                self.disk.as_ptr(),
                groups.as_ptr().cast_mut(),
            )
        })?;
        *state = State::Added;
        Ok(())
    }

    /// Takes the disk away from its users. Does nothing if it is not there (any more).
    ///
    /// Waits until all requests in flight have ended: the device has to be working, or its
    /// requests must have been taken from it.
    #[doc(alias = "del_gendisk")]
    pub fn remove(&self) {
        {
            let mut state = self.state.lock();
            if *state != State::Added {
                return;
            }
            *state = State::Removed;
        }
        // INVARIANT: The state says so already, so that this happens once.
        // SAFETY: The disk is valid and was added (type invariant and state).
        unsafe { bindings::del_gendisk(self.disk.as_ptr()) }
    }

    /// Sets the size, in 512-byte sectors, to what `capacity` returns. Users of the disk are told
    /// when that is a change.
    ///
    /// Calls do not overlap, so that what was read first is never set last.
    ///
    /// # Errors
    ///
    /// Those of `capacity`; then the size stays as it is.
    #[doc(alias = "set_capacity_and_notify")]
    pub fn resize(&self, capacity: impl FnOnce() -> Result<u64>) -> Result {
        let state = self.state.lock();
        if *state != State::Removed {
            let capacity = capacity()?;
            // SAFETY: The disk is valid (type invariant). C tells nobody before it is added.
            unsafe { bindings::set_capacity_and_notify(self.disk.as_ptr(), capacity) };
        }
        Ok(())
    }
}

/// Removes a disk when the device is unbound.
struct Added<'a, 'bound, T: Operations> {
    disk: &'a GenDisk<'bound, T>,
}

impl<T: Operations> Drop for Added<'_, '_, T> {
    fn drop(&mut self) {
        self.disk.remove();
    }
}

impl<T: Operations> Deref for GenDisk<'_, T> {
    type Target = Disk<T::HwQueue, T::DiskData>;

    fn deref(&self) -> &Self::Target {
        // SAFETY: The disk, its tag set and its data belong to this value (type invariant), which
        // is not dropped while it is borrowed.
        unsafe { Disk::from_raw(self.disk.as_ptr()) }
    }
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for GenDisk<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        self.remove();
        let added = *self.state.lock() != State::New;
        let disk = self.disk.as_ptr();
        // SAFETY: The disk is valid until we give up our reference (type invariant). C calls
        // `free_disk` only for disks that were added.
        unsafe {
            let private = (*disk).private_data;
            bindings::put_disk(disk);
            if !added {
                free_private(private);
            }
        }
    }
}
