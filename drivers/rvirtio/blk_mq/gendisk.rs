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
    report_zones,
    tag_set::TagSet,
    zones, //
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
    /// The disk can be read and written.
    ReadWrite,
    /// The disk can only be read, which users cannot change.
    ReadOnly,
}

/// The configuration of a disk.
pub struct DiskConfig<'a> {
    /// The prefix of its name, which is followed by letters.
    pub name_prefix: &'a [u8],
    /// Its size in 512-byte sectors; may be 0.
    pub capacity: u64,
    /// The limits of its requests.
    pub limits: Limits,
    /// Whether it can be written.
    pub access: Access,
    /// The geometry that is reported to user space. `None` means that it is computed from the
    /// capacity.
    pub geometry: Option<Geometry>,
}

/// The state of a disk.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// The disk was not added yet.
    New,
    /// The disk was added, and can be used.
    Added,
    /// The disk was removed.
    Removed,
}

/// A disk with its tag set and the driver's data.
///
/// Dereferences to [`Disk`], which has the operations.
///
/// # Invariants
///
/// - `disk` is valid and uses `tag_set`. Its queue data is `data`, and its private data is a
///   [`Private`] that was allocated by a `KBox`. This value owns a reference to the disk.
/// - The disk was added if and only if `state` is not `New`, and deleted if `state` is `Removed`.
#[doc(alias = "gendisk")]
#[pin_data(PinnedDrop)]
pub struct GenDisk<'bound, T: Operations> {
    disk: NonNull<bindings::gendisk>,
    /// Also serialises changes of the size, which depend on the state.
    #[pin]
    state: Mutex<State>,
    #[pin]
    tag_set: TagSet<'bound, T>,
    #[pin]
    data: T::DiskData,
}

// SAFETY: A disk can be removed by any thread, and its tag set and data are `Send`.
unsafe impl<T: Operations> Send for GenDisk<'_, T> {}
// SAFETY: All methods take `state` or locks of the block layer, and the driver's data is `Sync`.
unsafe impl<T: Operations> Sync for GenDisk<'_, T> {}

impl<'bound, T: Operations> GenDisk<'bound, T> {
    const FOPS: bindings::block_device_operations = bindings::block_device_operations {
        owner: this_module::<T::OwnerModule>().as_ptr(),
        getgeo: Some(getgeo),
        free_disk: Some(free_disk),
        report_zones: report_zones::callback::<T>(),
        ..pin_init::zeroed()
    };

    /// Creates a disk that is not visible yet.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the block layer rejects the limits, or the name is too long; `ENOMEM`; those of
    /// `tag_set` and `data`.
    pub fn new<'a>(
        tag_set: impl PinInit<TagSet<'bound, T>, Error> + 'a,
        config: DiskConfig<'a>,
        data: impl PinInit<T::DiskData, Error> + 'a,
    ) -> impl PinInit<Self, Error> + 'a
    where
        Self: 'a,
    {
        // INVARIANT: `allocate` returns a valid disk with `tag_set` and `data`, which were
        // initialised before it. The disk is not added.
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
        let private = KBox::pin_init(Private::new(config.geometry, index), GFP_KERNEL)?;
        // SAFETY: It is not moved until `free_private` drops it.
        let private = unsafe { Pin::into_inner_unchecked(private) };
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
        // SAFETY: The disk was just allocated, and nobody else uses it.
        unsafe {
            (*disk).disk_name = name;
            (*disk).fops = &Self::FOPS;
            (*disk).private_data = KBox::into_raw(private).cast();
            bindings::set_disk_ro(disk, config.access == Access::ReadOnly);
            bindings::set_capacity(disk, config.capacity);
        }
        NonNull::new(disk).ok_or(ENOMEM)
    }

    /// Adds the disk, which is then visible until the device is unbound, below the virtio device in
    /// sysfs. The device has to be ready, because partitions are read before this returns.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is a disk of this name, `EBUSY` if this disk was already added, `ENOMEM`.
    #[doc(alias = "device_add_disk")]
    pub fn add<'a>(&'a self, ready: &Ready<'a>) -> Result {
        // This removes the disk before anything that it borrows is dropped.
        ready.keep::<_, Infallible>(Added { disk: self })?;
        let mut state = self.state.lock();
        if *state != State::New {
            return Err(EBUSY);
        }
        // SAFETY: The disk is valid and not added (type invariant and state).
        unsafe { zones::revalidate(self.disk.as_ptr())? };
        let groups = <T::Attributes as AttributeList<T::HwQueue, T::DiskData>>::GROUPS;
        // INVARIANT: On success the disk is added, and the state is set below; on failure it is not
        // added.
        // SAFETY: The disk is valid and not added (type invariant and state). The groups are
        // static, and the parent is bound until the disk is removed.
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

    /// Removes the disk, if it was added and not removed yet.
    ///
    /// Waits until all requests in flight have ended. So the device must work, or its requests must
    /// have been reclaimed.
    #[doc(alias = "del_gendisk")]
    pub fn remove(&self) {
        {
            let mut state = self.state.lock();
            if *state != State::Added {
                return;
            }
            *state = State::Removed;
        }
        // INVARIANT: The state was set to `Removed` above, so this is done once.
        // SAFETY: The disk is valid and was added (type invariant and state).
        unsafe { bindings::del_gendisk(self.disk.as_ptr()) }
        // SAFETY: The private data of the disk is a `Private` (type invariant).
        let private = unsafe { &*(*self.disk.as_ptr()).private_data.cast::<Private>() };
        *private.bound.lock() = false;
    }

    /// Sets the size in 512-byte sectors to the return value of `capacity`, and notifies users of
    /// the disk of a change.
    ///
    /// Calls are serialised, so that a value that was read earlier is not set later.
    ///
    /// # Errors
    ///
    /// Those of `capacity`, in which case the size does not change.
    #[doc(alias = "set_capacity_and_notify")]
    pub fn resize(&self, capacity: impl FnOnce() -> Result<u64>) -> Result {
        let state = self.state.lock();
        if *state != State::Removed {
            let capacity = capacity()?;
            // SAFETY: The disk is valid (type invariant). C only notifies users if it was added.
            unsafe { bindings::set_capacity_and_notify(self.disk.as_ptr(), capacity) };
        }
        Ok(())
    }
}

/// A guard that removes a disk when the device is unbound.
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
        // SAFETY: We own a reference to the disk, whose private data is a `Private` from a `KBox`
        // (type invariant). C calls `free_disk` only for disks that were added.
        unsafe {
            let private = (*disk).private_data;
            bindings::put_disk(disk);
            if !added {
                free_private(private);
            }
        }
    }
}
