// SPDX-License-Identifier: GPL-2.0

//! Adding devices to the bus and removing them.

use crate::{
    bus,
    debug,
    device::{
        Device,
        Hold,
        RawDevice, //
    },
    device_id::RawId,
    restart,
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

/// A device that a transport has added to the bus, together with the transport.
///
/// # Invariants
///
/// - `raw` was created by [`create`], and `self` owns a reference to it.
/// - Unless `removed` is set, `raw` is on the bus and its transport is `self.transport`.
pub struct Registration<'a> {
    raw: NonNull<RawDevice>,
    debug: Option<debug::Files>,
    removed: AtomicBool,
    transport: KBox<dyn Transport + 'a>,
}

// SAFETY: `raw` is a counted reference to a device, and `Transport` is `Send`; both can be used and
// dropped on any thread.
unsafe impl Send for Registration<'_> {}
// SAFETY: `unregister` is guarded by an atomic, and `Transport` is `Sync`.
unsafe impl Sync for Registration<'_> {}

impl<'a> Registration<'a> {
    /// Adds a device of virtio type `device` and vendor `vendor` to the bus, as a child of
    /// `transport.parent()`.
    ///
    /// If there is a matching driver, it is probed before this returns.
    ///
    /// # Safety
    ///
    /// The value must be dropped, not forgotten, before `'a` ends.
    pub unsafe fn new<T: Transport + 'a>(
        device: u32,
        vendor: u32,
        transport: Pin<KBox<T>>,
    ) -> Result<Self> {
        // SAFETY: The transport is not moved out of its box: nobody gets more than a shared
        // reference to it.
        let transport: KBox<T> = unsafe { Pin::into_inner_unchecked(transport) };
        let erased: NonNull<dyn Transport + 'a> = NonNull::from(&*transport);
        // SAFETY: Only the lifetime changes. The pointer is only used from `device_add` to
        // `device_del`, which is within `'a`, as the value is dropped before `'a` ends (safety
        // requirement).
        let erased: NonNull<dyn Transport> = unsafe { core::mem::transmute(erased) };
        let raw = create(RawId::new(device, vendor), erased)?;
        // SAFETY: `create` returned a valid device that is not on the bus.
        if let Err(error) = to_result(unsafe { bindings::device_add(raw.cast().as_ptr()) }) {
            // SAFETY: `create` returned `raw` with a reference, which is dropped here.
            unsafe { bindings::put_device(raw.cast().as_ptr()) };
            return Err(error);
        }
        // INVARIANT: `device_add` has put `raw` on the bus; the reference comes from `create`.
        // SAFETY: `self` drops the files before its reference to `raw` and the transport.
        let debug = unsafe { debug::Files::create(raw) };
        Ok(Self {
            raw,
            debug: debug.ok(),
            removed: AtomicBool::new(false),
            transport,
        })
    }

    /// Returns the transport of the device.
    pub fn transport(&self) -> &(dyn Transport + 'a) {
        &*self.transport
    }

    /// Returns the device.
    ///
    /// # Safety
    ///
    /// The device must be on the bus while the result is used.
    unsafe fn device(&self) -> &Device<Bound> {
        // SAFETY: `raw` is valid (type invariant), and `Device` is a transparent wrapper. It is on
        // the bus (safety requirement), so its transport is valid.
        unsafe { self.raw.cast().as_ref() }
    }

    /// Calls `f` with the device, unless it was removed from the bus.
    fn with_device(&self, f: impl FnOnce(&Device<Bound>)) {
        if !self.removed.load(Ordering::Acquire) {
            // SAFETY: It was not removed from the bus, and the transport outlives `self`. If it is
            // removed concurrently, its memory and the transport stay valid until `self` is dropped.
            f(unsafe { self.device() })
        }
    }

    /// Stops the device, and keeps it stopped until [`Registration::release`]. The transport may
    /// then remove its power, or reset it by means of its own. Holds can be nested.
    ///
    /// Sleeps until the driver has taken back its buffers; see
    /// [`Driver::can_restart`](crate::Driver::can_restart).
    pub fn hold(&self, hold: Hold) {
        self.with_device(|dev| dev.hold(hold));
    }

    /// Reverts [`Registration::hold`]: when there is no other hold, the device is started again.
    pub fn release(&self, hold: Hold) {
        self.with_device(|dev| dev.release(hold));
    }

    /// Takes the device out of use without accessing it, because the transport has failed. When it
    /// works again, [`Registration::release`] of [`Hold::Error`] resets and starts the device.
    pub fn cut_off(&self) {
        self.with_device(Device::cut_off);
    }

    /// Stops the device for good, because the transport does not work again. Memory of the device is
    /// leaked unless it confirms a reset.
    pub fn lose(&self) {
        self.with_device(Device::lose);
    }

    /// Waits until the device was reset, if it has failed.
    pub fn settle(&self) {
        self.with_device(|dev| dev.recovery().flush());
    }

    /// Unbinds the driver and removes the device from the bus. Does nothing when called again.
    ///
    /// Call this while the parent is still fully bound; dropping the registration is too late for a
    /// front end that has to access its device.
    pub fn unregister(&self) {
        if !self.removed.swap(true, Ordering::AcqRel) {
            // SAFETY: `removed` was not set, so `raw` is on the bus (type invariant). Nobody else
            // removes it.
            unsafe { bindings::device_del(self.raw.cast().as_ptr()) };
        }
    }
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.unregister();
        self.debug = None;
        // SAFETY: `self` owns a reference to `raw` (type invariant). `transport` is dropped after
        // this; nobody has used it since `device_del`.
        unsafe { bindings::put_device(self.raw.cast().as_ptr()) };
    }
}

/// Allocates and initialises a device named `virtioN` that is not added yet.
fn create(id: RawId, transport: NonNull<dyn Transport>) -> Result<NonNull<RawDevice>> {
    let index = bus::allocate_index()?;
    // SAFETY: `Registration::new`, the only caller, passes a pointer to the transport that it owns.
    let parent: *const device::Device<Bound> = unsafe { transport.as_ref() }.parent();
    let dev = bindings::device {
        // CAST: `device::Device` is a transparent wrapper.
        parent: parent.cast_mut().cast(),
        release: Some(release),
        ..pin_init::zeroed()
    };
    let raw = KBox::pin_init(
        RawDevice::new(dev, id, index, transport, restart::recover),
        GFP_KERNEL,
    )
    .inspect_err(|_| bus::free_index(index))?;
    // SAFETY: The device is not moved until `release` drops it.
    let raw = NonNull::from(KBox::leak(unsafe { Pin::into_inner_unchecked(raw) }));
    let dev = raw.cast::<bindings::device>().as_ptr();
    // SAFETY: `dev` is zeroed except for the two fields above, and is freed by `release` from here
    // on. It is embedded in a `RawDevice`, and not added yet.
    unsafe {
        bindings::device_initialize(dev);
        bus::attach(dev);
    }
    // SAFETY: `dev` is initialised; the format takes one unsigned integer.
    let named = unsafe { bindings::dev_set_name(dev, c"virtio%u".as_char_ptr(), index) };
    to_result(named)
        // SAFETY: This drops the reference that `device_initialize` has made.
        .inspect_err(|_| unsafe { bindings::put_device(dev) })
        .map(|()| raw)
}

extern "C" fn release(dev: *mut bindings::device) {
    // SAFETY: The driver core calls this when the last reference to a device that `create` has
    // leaked is gone. `dev` is at offset 0 of it.
    let raw = unsafe { KBox::from_raw(dev.cast::<RawDevice>()) };
    bus::free_index(raw.index());
}
