// SPDX-License-Identifier: GPL-2.0

//! A device on the bus.

use crate::{
    device::Device,
    model::Model,
    transport::SoftTransport, //
};
use core::{
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
    sync::atomic::{
        AtomicPtr,
        Ordering, //
    },
};
use kernel::{
    bindings,
    device::Bound,
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
};
use rvirtio::{
    Hold,
    Registration, //
};

/// The device that is on the bus, and its parent.
static CURRENT: AtomicPtr<Device> = AtomicPtr::new(ptr::null_mut());
static PARENT: AtomicPtr<bindings::device> = AtomicPtr::new(ptr::null_mut());

impl Device {
    /// Returns the mock device of a device on the bus.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if it does not belong to this crate.
    pub fn of(dev: &rvirtio::Device<Bound>) -> Result<Arc<Self>> {
        // SAFETY: A device on the bus has a `struct device`, whose parent does not change.
        let parent = unsafe { (*dev.as_raw()).parent };
        let current = CURRENT.load(Ordering::Acquire);
        if parent != PARENT.load(Ordering::Relaxed) || current.is_null() {
            return Err(ENODEV);
        }
        // SAFETY: `dev` has the parent of `CURRENT`, so it belongs to it. As it is bound, its
        // transport exists, which owns a reference.
        Ok(unsafe { ArcBorrow::from_raw(current) }.into())
    }
}

/// A device that is on the bus until this is dropped.
pub struct Plugged {
    /// `None` after the device was removed from the bus.
    registration: Option<Registration<'static>>,
    device: Arc<Device>,
}

impl Plugged {
    /// Adds a device of virtio type `id` to the bus, and lets a driver bind to it.
    ///
    /// # Errors
    ///
    /// Those of registering the device. It is not an error if no driver binds.
    pub fn new(id: u32, model: Model) -> Result<Self> {
        let device = Device::new(model)?;
        PARENT.store(device.parent_raw(), Ordering::Relaxed);
        CURRENT.store(Arc::as_ptr(&device).cast_mut(), Ordering::Release);
        let mut this = Self {
            registration: None,
            device,
        };
        let transport = KBox::pin(SoftTransport(this.device.clone()), GFP_KERNEL)?;
        // SAFETY: The lifetime is `'static`, which never ends.
        this.registration = Some(unsafe { Registration::new(id, 0, transport) }?);
        Ok(this)
    }

    /// Returns the device, for another thread.
    pub(crate) fn shared(&self) -> Arc<Device> {
        self.device.clone()
    }

    /// Returns the device on the bus.
    fn child(&self) -> Option<Child> {
        let parent = self.device.parent_raw();
        // SAFETY: The parent is a valid device. The result is a counted reference.
        let found = unsafe { bindings::device_find_child(parent, ptr::null(), Some(is_on_a_bus)) };
        NonNull::new(found).map(Child)
    }

    /// Returns whether a driver is bound.
    pub fn is_bound(&self) -> bool {
        let is_bound = |child: Child| {
            // SAFETY: `child` is a counted reference, so the device is valid.
            let driver = unsafe { (*child.0.as_ptr()).driver };
            !driver.is_null()
        };
        self.child().is_some_and(is_bound)
    }

    /// Lets a driver bind. Returns whether one has.
    pub fn bind(&self) -> bool {
        let attach = |child: Child| {
            // SAFETY: `child` is a counted reference, so the device is valid, and it is on the bus.
            let bound = unsafe { bindings::device_attach(child.0.as_ptr()) };
            bound == 1
        };
        self.child().is_some_and(attach)
    }

    /// Unbinds the driver.
    pub fn unbind(&self) {
        if let Some(child) = self.child() {
            // SAFETY: `child` is a counted reference, so the device is valid, and it is on the bus.
            unsafe { bindings::device_release_driver(child.0.as_ptr()) }
        }
    }

    /// Shuts the device down, as the kernel does before a restart.
    pub fn shutdown(&self) {
        let Some(child) = self.child() else { return };
        let dev = child.0.as_ptr();
        // SAFETY: It is a valid device, on a bus that has this function.
        if let Some(shutdown) = unsafe { (*(*dev).bus).shutdown } {
            // SAFETY: The test is the only one that binds and unbinds, which the device's lock is
            // for.
            unsafe { shutdown(dev) }
        }
    }

    /// Stops the device, as its transport does for `hold`, and keeps it stopped.
    pub fn hold(&self, hold: Hold) {
        if let Some(registration) = &self.registration {
            registration.hold(hold);
        }
    }

    /// Reverts [`Plugged::hold`].
    pub fn release(&self, hold: Hold) {
        if let Some(registration) = &self.registration {
            registration.release(hold);
        }
    }

    /// Takes the device out of use, as its transport does when it has failed.
    pub fn cut_off(&self) {
        if let Some(registration) = &self.registration {
            registration.cut_off();
        }
    }

    /// Gives the device up, as its transport does when it does not work again.
    pub fn lose(&self) {
        if let Some(registration) = &self.registration {
            registration.lose();
        }
    }

    /// Waits until the driver has handled all interrupts, and core has recovered the device.
    pub fn settle(&self) {
        self.device.settle();
        if let Some(registration) = &self.registration {
            registration.settle();
        }
        // Of a device that was recovered.
        self.device.settle();
    }

    /// Writes to a file of the device in sysfs that only the bus has, `recover`.
    ///
    /// # Errors
    ///
    /// Those of the file; [`ENODEV`] without a device.
    pub fn recover(&self, input: &[u8]) -> Result {
        let child = self.child().ok_or(ENODEV)?;
        // SAFETY: It is a valid device, and sysfs has the attributes of its bus.
        let file = unsafe { find_attribute(child.0.as_ptr(), c"recover") }.ok_or(ENODEV)?;
        // SAFETY: The attribute is that of a device, whose function only reads the input.
        unsafe {
            let store = (*file).__bindgen_anon_2.store.ok_or(ENODEV)?;
            let count = store(
                child.0.as_ptr(),
                file.cast_mut(),
                input.as_ptr().cast(),
                input.len(),
            );
            to_result(count as c_int)
        }
    }

    /// Removes the device from the bus. The test can still access it.
    pub fn remove(&mut self) {
        self.registration = None;
    }
}

impl Deref for Plugged {
    type Target = Device;

    fn deref(&self) -> &Device {
        &self.device
    }
}

impl Drop for Plugged {
    fn drop(&mut self) {
        self.registration = None;
        CURRENT.store(ptr::null_mut(), Ordering::Release);
    }
}

/// Whether it is no interface that a driver has added.
///
/// # Safety
///
/// `dev` must be a valid device.
unsafe extern "C" fn is_on_a_bus(dev: *mut bindings::device, _: *const c_void) -> c_int {
    // SAFETY: It is a valid device (safety requirement).
    let bus = unsafe { (*dev).bus };
    (!bus.is_null()).into()
}

/// Returns the attribute of this name that the bus has for its devices.
///
/// # Safety
///
/// `dev` must be a valid device on a bus with groups of attributes.
unsafe fn find_attribute(
    dev: *mut bindings::device,
    name: &CStr,
) -> Option<*const bindings::device_attribute> {
    // SAFETY: The lists of groups and attributes end with null pointers, and are static. All
    // attributes of devices are the first field of a `device_attribute`.
    unsafe {
        let mut group = (*(*dev).bus).dev_groups;
        while !(*group).is_null() {
            let mut attribute = (**group).__bindgen_anon_2.attrs_const;
            while !(*attribute).is_null() {
                if CStr::from_char_ptr((**attribute).name) == name {
                    return Some((*attribute).cast());
                }
                attribute = attribute.add(1);
            }
            group = group.add(1);
        }
    }
    None
}

/// A counted reference to a device.
struct Child(NonNull<bindings::device>);

impl Drop for Child {
    fn drop(&mut self) {
        // SAFETY: This value owns a reference to the device.
        unsafe { bindings::put_device(self.0.as_ptr()) }
    }
}
