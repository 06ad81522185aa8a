// SPDX-License-Identifier: GPL-2.0

//! The interface of front ends to the bus.
//!
//! Names and shape are those of the kernel crate's PCI driver trait and of the proposed upstream
//! virtio abstractions, so that a front end could move there.

use crate::{
    bus,
    device::Device,
    device_id::{
        DeviceId,
        IdTable,
        RawId, //
    },
    features::{
        Dependency,
        Feature, //
    },
    init::Negotiated, //
};
use core::mem::offset_of;
use kernel::{
    bindings,
    device::{
        Core,
        CoreInternal, //
    },
    device_id::RawDeviceIdIndex,
    driver::{
        DriverLayout,
        RegistrationOps, //
    },
    error::from_result,
    ffi::c_int,
    prelude::*,
    types::Opaque,
    ThisModule, //
};

/// A driver of one or more types of virtio devices.
///
/// See `samples/rvirtio_rng` for a complete one.
pub trait Driver {
    /// What the driver wants to know about each entry of its id table.
    type IdInfo: 'static;

    /// The driver's data for a device, for as long as that is bound.
    ///
    /// It is dropped before anything that [`Setup::manage`](crate::init::Setup::manage) stored,
    /// so it can borrow that. It is also dropped before the device is reset: queues, whose memory
    /// the device uses until then, do not belong here.
    type Data<'bound>: Send + 'bound;

    /// The devices that the driver is for, made by
    /// [`virtio_device_table!`](crate::virtio_device_table).
    const ID_TABLE: IdTable<Self::IdInfo>;

    /// The features of the device type that the driver implements. Those of ring and transport
    /// are core's business.
    const FEATURES: &'static [Feature];

    /// Which of [`Driver::FEATURES`] need which others.
    const DEPENDENCIES: &'static [Dependency] = &[];

    /// Sets a device up. `init` has negotiated features; the steps from there to a running
    /// device are its methods. Called with the device's lock held, may sleep.
    ///
    /// # Errors
    ///
    /// On any error the device is reset and all that was stored with
    /// [`Setup::manage`](crate::init::Setup::manage) is dropped. Before
    /// [`Configured::driver_ok`](crate::Configured::driver_ok) the status is set to FAILED first.
    fn probe<'bound>(
        dev: &'bound Device<Core<'_>>,
        init: Negotiated<'bound>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Called before `data` is dropped, with the device's lock held. May sleep.
    ///
    /// The device may be gone already: [`Device::is_present`] tells.
    fn unbind<'bound>(dev: &'bound Device<Core<'_>>, data: Pin<&Self::Data<'bound>>) {
        let _ = (dev, data);
    }
}

/// A driver as the bus sees it.
#[repr(C)]
pub struct RawDriver {
    pub(crate) driver: bindings::device_driver,
    ids: *const RawId,
    pub(crate) probe: fn(&Device<CoreInternal<'_>>) -> c_int,
    pub(crate) remove: fn(&Device<CoreInternal<'_>>),
}

const _: () = assert!(offset_of!(RawDriver, driver) == 0);

impl Default for RawDriver {
    fn default() -> Self {
        Self {
            driver: pin_init::zeroed(),
            ids: core::ptr::null(),
            probe: |_| ENODEV.to_errno(),
            remove: |_| (),
        }
    }
}

impl RawDriver {
    /// Finds the first entry of the id table that matches `dev`.
    pub(crate) fn find(&self, dev: &Device) -> Option<&'static RawId> {
        // SAFETY: `register` set it to a table that ends with an all-zero entry.
        unsafe { find(self.ids, &dev.id()) }
    }
}

/// Finds the first entry of an id table that matches a device.
///
/// # Safety
///
/// `ids` must be a static table that ends with an all-zero entry.
unsafe fn find(ids: *const RawId, device: &RawId) -> Option<&'static RawId> {
    let mut next = ids;
    loop {
        // SAFETY: By the safety requirement; we have not gone past the end.
        let id: &'static RawId = unsafe { &*next };
        if id.is_end() {
            return None;
        }
        if id.matches(device) {
            return Some(id);
        }
        // SAFETY: This was not the last entry.
        next = unsafe { next.add(1) };
    }
}

/// Fits a [`Driver`] to the kernel crate's driver registration.
pub struct Adapter<T: Driver>(T);

// SAFETY:
// - `RawDriver` is `repr(C)` with `driver` at `DEVICE_DRIVER_OFFSET`.
// - `T::Data` is what `probe` stores.
unsafe impl<T: Driver> DriverLayout for Adapter<T> {
    type DriverType = RawDriver;
    type DriverData<'bound> = T::Data<'bound>;
    const DEVICE_DRIVER_OFFSET: usize = offset_of!(RawDriver, driver);
}

// SAFETY: `unregister` undoes exactly what `register` did.
unsafe impl<T: Driver> RegistrationOps for Adapter<T> {
    unsafe fn register(
        reg: &Opaque<RawDriver>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        let raw = reg.get();
        // SAFETY: `reg` is pinned until `unregister`, and no one else uses it yet.
        unsafe {
            (*raw).driver.name = name.as_char_ptr();
            (*raw).driver.owner = module.as_ptr();
            (*raw).ids = T::ID_TABLE.as_ptr();
            (*raw).probe = Self::probe;
            (*raw).remove = Self::remove;
            bus::register_driver(raw)
        }
    }

    unsafe fn unregister(reg: &Opaque<RawDriver>) {
        // SAFETY: The caller guarantees that it was registered.
        unsafe { bus::unregister_driver(reg.get()) }
    }
}

impl<T: Driver> Adapter<T> {
    fn probe(dev: &Device<CoreInternal<'_>>) -> c_int {
        from_result(|| {
            let info = Self::info(dev).ok_or(ENODEV)?;
            let init = Negotiated::new(dev, T::FEATURES, T::DEPENDENCIES)?;
            dev.as_ref().set_drvdata(T::probe(dev, init, info))?;
            Ok(0)
        })
    }

    fn remove(dev: &Device<CoreInternal<'_>>) {
        // SAFETY: Called only after `probe` stored a `T::Data`, and before it is dropped.
        let data = unsafe { dev.as_ref().drvdata_borrow::<T::Data<'_>>() };
        T::unbind(dev, data);
    }

    /// The info of the table entry that matches `dev`. There is none when `driver_override`
    /// chose a driver for another type of device.
    fn info(dev: &Device) -> Option<&'static T::IdInfo> {
        // SAFETY: It is a static table that ends with an all-zero entry.
        let id = unsafe { find(T::ID_TABLE.as_ptr(), &dev.id()) }?;
        let id: *const RawId = id;
        // SAFETY: `DeviceId` is a transparent wrapper; the entry is part of an `IdArray` with
        // info of type `T::IdInfo`.
        Some(unsafe { (*id.cast::<DeviceId>()).info_unchecked::<T::IdInfo>() })
    }
}

/// Declares a kernel module that is one virtio driver.
///
/// # Examples
///
/// ```ignore
/// module_virtio_driver! {
///     type: Rng,
///     name: "rvirtio_rng",
///     authors: ["Author name"],
///     description: "Virtio entropy driver",
///     license: "GPL",
/// }
/// ```
#[macro_export]
macro_rules! module_virtio_driver {
    ($($f:tt)*) => {
        ::kernel::module_driver!(<T>, $crate::Adapter<T>, { $($f)* });
    };
}
