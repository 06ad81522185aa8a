// SPDX-License-Identifier: GPL-2.0

//! The memory of driver tags.

use crate::{
    address::Address,
    bindings, //
};
use core::{
    cell::UnsafeCell,
    ptr,
    sync::atomic::{
        AtomicPtr,
        AtomicU8,
        Ordering, //
    }, //
};

/// The number of a driver tag among all of a host: no two commands in flight have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagId(pub u32);

impl TagId {
    pub(crate) fn new(queue: u16, tag: u16) -> Self {
        Self(u32::from(queue) << 16 | u32::from(tag))
    }
}

/// The memory of a driver tag. It is aligned to a cache line, because the CPUs of a queue use its
/// tags at the same time.
///
/// # Invariants
///
/// While `owner` is not null, there is one [`Command`](crate::Command) with this tag, or a list or
/// pointer that owns it, and only its owner accesses the cells. While it is null, nobody does.
#[repr(align(64))]
pub(crate) struct Tag<C> {
    /// The device of the command that the driver owns, null if it owns none.
    owner: AtomicPtr<bindings::scsi_device>,
    /// The command that the driver owns.
    pub(crate) sc: UnsafeCell<*mut bindings::scsi_cmnd>,
    /// The next one in a [`CommandList`](crate::CommandList).
    pub(crate) next: UnsafeCell<*const Tag<C>>,
    /// How often the command was late.
    pub(crate) late: AtomicU8,
    pub(crate) id: TagId,
    /// The driver's memory.
    pub(crate) memory: UnsafeCell<C>,
}

// SAFETY: Tags are only accessed as the invariant says, and the driver's memory is `Send`.
unsafe impl<C: Send> Send for Tag<C> {}
// SAFETY: As above: whoever shares a tag may only use the atomics.
unsafe impl<C: Send> Sync for Tag<C> {}

impl<C> Tag<C> {
    pub(crate) fn new(id: TagId, memory: C) -> Self {
        // INVARIANT: No command has the tag.
        Self {
            owner: AtomicPtr::new(ptr::null_mut()),
            sc: UnsafeCell::new(ptr::null_mut()),
            next: UnsafeCell::new(ptr::null()),
            late: AtomicU8::new(0),
            id,
            memory: UnsafeCell::new(memory),
        }
    }

    /// Takes the tag for a command for `sdev`. Returns `false` if the driver has a command with it.
    #[inline]
    pub(crate) fn take(&self, sdev: *mut bindings::scsi_device) -> bool {
        // Acquire: the previous owner has ended its accesses. Only the kernel's owner of the tag,
        // of which there is one, calls this.
        if !self.owner.load(Ordering::Acquire).is_null() {
            return false;
        }
        self.owner.store(sdev, Ordering::Relaxed);
        self.late.store(0, Ordering::Relaxed);
        true
    }

    /// Gives the tag up. The caller must own the command, and must not access the cells any more.
    #[inline]
    pub(crate) fn release(&self) {
        self.owner.store(ptr::null_mut(), Ordering::Release);
    }

    /// Returns whether the driver owns a command with this tag.
    #[inline]
    pub(crate) fn is_out(&self) -> bool {
        !self.owner.load(Ordering::Acquire).is_null()
    }

    /// Returns whether the driver owns a command with this tag for `sdev`.
    pub(crate) fn is_out_for(&self, sdev: *mut bindings::scsi_device) -> bool {
        self.owner.load(Ordering::Acquire) == sdev
    }

    /// Returns whether the driver owns a command with this tag for a device of `target`.
    ///
    /// # Safety
    ///
    /// The kernel must not end commands of the host meanwhile, as they keep their devices.
    pub(crate) unsafe fn is_out_for_target(&self, target: u32) -> bool {
        let sdev = self.owner.load(Ordering::Acquire);
        // SAFETY: The device is valid if there is one, as there is a command for it (safety
        // requirement).
        !sdev.is_null() && unsafe { Address::of(sdev) }.target == target
    }
}
