// SPDX-License-Identifier: GPL-2.0

//! Binding a driver to a device.

use crate::{
    bus::{
        self,
        RawDriver, //
    },
    connect::Connect,
    connections::Connections,
    device::{
        Device,
        DriverOps,
        Outcome,
        Start,
        Stopped,
        Why, //
    },
    device_id::{
        DeviceId,
        RawId, //
    },
    driver::Driver,
    init::Negotiated,
    spec::feature::Features, //
};
use core::{
    marker::PhantomPinned,
    mem::offset_of, //
};
use kernel::{
    device::{
        Bound,
        BoundInternal,
        CoreInternal, //
    },
    device_id::RawDeviceIdIndex,
    driver::{
        DriverLayout,
        RegistrationOps, //
    },
    error::from_result,
    ffi::c_int,
    fmt,
    prelude::*,
    types::Opaque,
    ThisModule, //
};

/// The driver data of a bound device, as the driver core stores it. Fields are dropped in order.
#[pin_data]
pub struct Instance<'bound, T: Driver> {
    connections: Pin<KBox<Connections>>,
    #[pin]
    data: T::Data<'bound>,
    /// Guards refer to `data`.
    #[pin]
    _pin: PhantomPinned,
}

impl<'bound, T: Driver> Instance<'bound, T> {
    fn new(data: impl PinInit<T::Data<'bound>, Error>) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            connections: Connections::new()?,
            data <- data,
            _pin: PhantomPinned,
        })
    }

    fn data(self: Pin<&Self>) -> Pin<&T::Data<'bound>> {
        // SAFETY: `data` is structurally pinned: it is marked `#[pin]`, and never moved out.
        unsafe { self.map_unchecked(|this| &this.data) }
    }
}

/// An adapter from [`Driver`] to the kernel crate's driver registration.
pub struct Adapter<T: Driver>(T);

// SAFETY:
// - `RawDriver` is `repr(C)` with `driver` at `DEVICE_DRIVER_OFFSET`.
// - `Instance<T>` is what `probe` stores.
unsafe impl<T: Driver> DriverLayout for Adapter<T> {
    type DriverType = RawDriver;
    type DriverData<'bound> = Instance<'bound, T>;
    const DEVICE_DRIVER_OFFSET: usize = offset_of!(RawDriver, driver);
}

// SAFETY: `register` calls `driver_register`, and `unregister` calls `driver_unregister` for the
// same driver.
unsafe impl<T: Driver> RegistrationOps for Adapter<T> {
    unsafe fn register(
        reg: &Opaque<RawDriver>,
        name: &'static CStr,
        module: &'static ThisModule,
    ) -> Result {
        let raw = reg.get();
        // SAFETY: The caller guarantees that `reg` is pinned until `unregister`; nobody else uses
        // it before `register_driver`.
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
        // SAFETY: The caller guarantees that `reg` was registered.
        unsafe { bus::unregister_driver(reg.get()) }
    }
}

impl<T: Driver> Adapter<T> {
    const OPS: DriverOps = DriverOps {
        start: Self::start,
        reclaim: Self::reclaim,
        config_changed: Self::config_changed,
        can_restart: Self::can_restart,
        quiesce: Self::quiesce,
        resume: Self::resume,
        show: Self::show,
    };

    fn probe(dev: &Device<CoreInternal<'_>>) -> c_int {
        from_result(|| {
            let info = Self::info(dev).ok_or(ENODEV)?;
            let off = T::features_off().map_or(Features::EMPTY, |off| off.of(dev));
            let init = Negotiated::new(dev, T::FEATURES, T::DEPENDENCIES, off)?;
            Self::bind(dev, init, info)
                .inspect_err(|_| {
                    dev.give_up();
                    dev.clear_driver();
                    dev.free_vectors();
                })
                .map(|()| 0)
        })
    }

    fn bind<'bound>(
        dev: &'bound Device<CoreInternal<'_>>,
        init: Negotiated<'bound>,
        info: &'bound T::IdInfo,
    ) -> Result {
        let features = init.features();
        let data = T::probe(init, info);
        dev.as_ref().set_drvdata(Instance::<T>::new(data))?;
        // SAFETY: `set_drvdata` has just stored the instance. The driver core drops it after
        // `remove`, or after `probe` has failed; both call `clear_driver` first.
        let instance = unsafe {
            dev.set_driver(Self::OPS, features);
            dev.as_ref().drvdata_borrow::<Instance<'_, T>>()
        };
        // SAFETY: `Connections::end` is called below or by `remove`, while the instance exists.
        let connect = unsafe { Connect::new(dev, &instance.get_ref().connections, Self::OPS) };
        let result = T::connect(instance.data(), connect).and_then(|ready| {
            // It has failed after DRIVER_OK, and nobody would notice.
            if dev.is_dead() {
                dev_err!(dev, "device failed while it was probed\n");
                return Err(EIO);
            }
            Ok(ready)
        });
        match result {
            Ok(ready) => {
                dev.set_connected(true);
                ready.device().wake_config_thread();
                Ok(())
            }
            Err(error) => {
                dev.close();
                instance.connections.end();
                Err(error)
            }
        }
    }

    fn remove(dev: &Device<CoreInternal<'_>>) {
        // SAFETY: The driver core calls this after `probe` has stored an instance, and before it
        // drops it.
        let instance = unsafe { dev.as_ref().drvdata_borrow::<Instance<'_, T>>() };
        dev.set_connected(false);
        dev.close();
        T::unbind(instance.data());
        // Guards may wait for buffers, which a device that is gone or has failed does not return.
        if dev.needs_reset() {
            dev.stop();
        }
        instance.connections.end();
        dev.clear_driver();
        dev.free_vectors();
    }

    /// Returns the driver's data.
    ///
    /// # Safety
    ///
    /// The driver data of `dev` must be an [`Instance`] of `T` for as long as the result is used.
    unsafe fn data<'a, 'bound: 'a>(dev: &'a Device<Bound>) -> Pin<&'a T::Data<'bound>> {
        // SAFETY: `Device` is a transparent wrapper that does not depend on the context. The device
        // is bound, and all callers of this function are in core.
        let dev = unsafe { &*core::ptr::from_ref(dev).cast::<Device<BoundInternal>>() };
        // SAFETY: The driver data of `dev` is an `Instance` of `T` (safety requirement).
        unsafe { dev.as_ref().drvdata_borrow::<Instance<'bound, T>>() }.data()
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn start(dev: &Device<Bound>, start: &mut Start<'_>) -> Result {
        // SAFETY: The driver's data exists (safety requirement).
        T::start(unsafe { Self::data(dev) }, start)
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn reclaim(dev: &Device<Bound>, stopped: &Stopped<'_>) {
        // SAFETY: The driver's data exists (safety requirement).
        T::reclaim(unsafe { Self::data(dev) }, stopped)
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn config_changed(dev: &Device<Bound>) {
        // SAFETY: The driver's data exists (safety requirement).
        T::config_changed(unsafe { Self::data(dev) })
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn can_restart(dev: &Device<Bound>) -> bool {
        // SAFETY: The driver's data exists (safety requirement).
        T::can_restart(unsafe { Self::data(dev) })
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn quiesce(dev: &Device<Bound>, why: Why) {
        // SAFETY: The driver's data exists (safety requirement).
        T::quiesce(unsafe { Self::data(dev) }, why)
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn resume(dev: &Device<Bound>, outcome: Outcome) {
        // SAFETY: The driver's data exists (safety requirement).
        T::resume(unsafe { Self::data(dev) }, outcome)
    }

    /// # Safety
    ///
    /// See [`DriverOps`].
    unsafe fn show(dev: &Device<Bound>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // SAFETY: The driver's data exists (safety requirement).
        T::show(unsafe { Self::data(dev) }, f)
    }

    /// Returns the info of the table entry that matches `dev`, or `None` if `driver_override` has
    /// selected a driver for another type of device.
    fn info(dev: &Device) -> Option<&'static T::IdInfo> {
        // SAFETY: `ID_TABLE` is a static `IdArray`, which ends with an all-zero entry.
        let id = unsafe { bus::find(T::ID_TABLE.as_ptr(), &dev.id()) }?;
        let id: *const RawId = id;
        // SAFETY: `DeviceId` is a transparent wrapper of `RawId`; the entry is part of an `IdArray`
        // with info of type `T::IdInfo`.
        Some(unsafe { (*id.cast::<DeviceId>()).info_unchecked::<T::IdInfo>() })
    }
}
