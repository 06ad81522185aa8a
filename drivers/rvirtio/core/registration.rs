// SPDX-License-Identifier: GPL-2.0

//! Putting devices on the bus, and taking them off.

use crate::{
    bus,
    device::RawDevice,
    device_id::RawId,
    transport::Transport, //
};
use core::{
    ptr::NonNull,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    },
};
use kernel::{
    bindings,
    device::{
        self,
        Bound, //
    },
    error::to_result,
    prelude::*, //
};

/// A device that a transport put on the bus, and that transport.
///
/// # Invariants
///
/// - `raw` was created by [`create`] and this owns a reference to it.
/// - `raw` is on the bus, and its transport is `self.transport`, unless `removed`.
pub struct Registration<'a> {
    raw: NonNull<RawDevice>,
    removed: AtomicBool,
    transport: KBox<dyn Transport + 'a>,
}

// SAFETY: The raw pointer is a counted reference to a device, usable from any thread.
unsafe impl Send for Registration<'_> {}
// SAFETY: `unregister` is the only method and guarded by an atomic.
unsafe impl Sync for Registration<'_> {}

impl<'a> Registration<'a> {
    /// Puts a device of virtio type `device` and vendor `vendor` on the bus, below
    /// `transport.parent()`.
    ///
    /// Probes a driver, if there is one, before it returns.
    ///
    /// # Safety
    ///
    /// The value must be dropped, not forgotten, before `'a` ends.
    pub unsafe fn new<T: Transport + 'a>(
        device: u32,
        vendor: u32,
        transport: Pin<KBox<T>>,
    ) -> Result<Self> {
        // SAFETY: It stays where it is: nobody gets more than a shared reference to it.
        let transport: KBox<T> = unsafe { Pin::into_inner_unchecked(transport) };
        let erased: NonNull<dyn Transport + 'a> = NonNull::from(&*transport);
        // SAFETY: Only the lifetime changes. The pointer is used from `device_add` to
        // `device_del` only, and the caller guarantees that this is within `'a`.
        let erased: NonNull<dyn Transport> = unsafe { core::mem::transmute(erased) };
        let raw = create(RawId::new(device, vendor), erased)?;
        // SAFETY: `create` returned a valid device that is not on the bus.
        if let Err(error) = to_result(unsafe { bindings::device_add(raw.cast().as_ptr()) }) {
            // SAFETY: `create` returned it with a reference, which is ours to drop.
            unsafe { bindings::put_device(raw.cast().as_ptr()) };
            return Err(error);
        }
        // INVARIANT: It is on the bus now.
        Ok(Self {
            raw,
            removed: AtomicBool::new(false),
            transport,
        })
    }

    /// The device's transport.
    pub fn transport(&self) -> &(dyn Transport + 'a) {
        &*self.transport
    }

    /// Unbinds the driver and takes the device off the bus. Does nothing the second time.
    ///
    /// To be called while the parent is still fully bound; dropping is too late for a front end
    /// that wants to talk to its device.
    pub fn unregister(&self) {
        if !self.removed.swap(true, Ordering::AcqRel) {
            // SAFETY: It is on the bus (type invariant: not removed before), and nobody else takes
            // it off.
            unsafe { bindings::device_del(self.raw.cast().as_ptr()) };
        }
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.unregister();
        // SAFETY: This owns a reference to `raw` (type invariant). `transport` is dropped after
        // this; nobody has used it since `device_del`.
        unsafe { bindings::put_device(self.raw.cast().as_ptr()) };
    }
}

/// Allocates and initialises a device named `virtioN` that is on no bus yet.
fn create(id: RawId, transport: NonNull<dyn Transport>) -> Result<NonNull<RawDevice>> {
    let index = bus::allocate_index()?;
    // SAFETY: The transport is valid, see `Registration::new`.
    let parent: *const device::Device<Bound> = unsafe { transport.as_ref() }.parent();
    let dev = bindings::device {
        // CAST: `device::Device` is a transparent wrapper.
        parent: parent.cast_mut().cast(),
        release: Some(release),
        ..pin_init::zeroed()
    };
    let raw = KBox::pin_init(RawDevice::new(dev, id, index, transport), GFP_KERNEL)
        .inspect_err(|_| bus::free_index(index))?;
    // SAFETY: It is not moved until `release` drops it.
    let raw = NonNull::from(KBox::leak(unsafe { Pin::into_inner_unchecked(raw) }));
    let dev = raw.cast::<bindings::device>().as_ptr();
    // SAFETY: `dev` is zeroed but for the two fields above. From here on `release` frees it.
    unsafe {
        bindings::device_initialize(dev);
        bus::attach(dev);
    }
    // SAFETY: `dev` is initialised; the format takes one unsigned integer.
    let named = unsafe { bindings::dev_set_name(dev, c"virtio%u".as_char_ptr(), index) };
    to_result(named)
        // SAFETY: Drops the only reference.
        .inspect_err(|_| unsafe { bindings::put_device(dev) })
        .map(|()| raw)
}

extern "C" fn release(dev: *mut bindings::device) {
    // SAFETY: The driver core calls this when the last reference to a device made by `create` is
    // gone. `dev` is at offset 0.
    let raw = unsafe { KBox::from_raw(dev.cast::<RawDevice>()) };
    bus::free_index(raw.index());
}
