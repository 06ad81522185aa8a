// SPDX-License-Identifier: GPL-2.0

//! The interface of front ends to the bus.
//!
//! Names and shape follow the kernel crate's PCI driver trait and the proposed upstream virtio
//! abstractions, so that a front end could move there.

use crate::{
    connect::{
        Connect,
        Ready, //
    },
    device::{
        Start,
        Stopped, //
    },
    device_id::IdTable,
    init::{
        Dependency,
        Negotiated, //
    },
    spec::feature::Feature, //
};
use kernel::prelude::*;

/// A driver of one or more types of virtio devices.
///
/// All that a driver has of a device is one value, its data. Core makes it ([`Driver::probe`]), pins
/// it, connects it with whatever calls into the driver ([`Driver::connect`]), and drops it when all
/// of that has ended. See `samples/rvirtio_rng` for a complete driver.
pub trait Driver: 'static {
    /// What the driver wants to know about each entry of its id table.
    type IdInfo: 'static;

    /// The driver's data for a device, for as long as that is bound.
    type Data<'bound>: Send + Sync + 'bound;

    /// The devices that the driver is for, made by
    /// [`virtio_device_table!`](crate::virtio_device_table).
    const ID_TABLE: IdTable<Self::IdInfo>;

    /// The features of the device type that the driver implements. Those of ring and transport
    /// are core's business.
    const FEATURES: &'static [Feature];

    /// Which of [`Driver::FEATURES`] need which others.
    const DEPENDENCIES: &'static [Dependency] = &[];

    /// Makes the driver's data. `init` has negotiated features, and gives out queues, which the
    /// device does not know yet. Called with the device's lock held, may sleep.
    ///
    /// # Errors
    ///
    /// On any error the device becomes FAILED and is reset.
    fn probe<'bound>(
        init: Negotiated<'bound>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Connects the data with interrupts and a subsystem. In between it starts the device, by
    /// [`Connect::driver_ok`]. Called with the device's lock held, may sleep.
    ///
    /// # Errors
    ///
    /// On any error all guards that were kept are dropped and the device is reset. It becomes FAILED
    /// first, unless it was started.
    fn connect<'a>(data: Pin<&'a Self::Data<'_>>, connect: Connect<'a>) -> Result<Ready<'a>>;

    /// Enables the queues, by [`Start::enable`]. Buffers can be added then, but not be notified of.
    /// May sleep. Must not wait for what starts, stops or resets the device or its queues.
    ///
    /// # Errors
    ///
    /// On any error the device becomes FAILED and is reset.
    fn start(data: Pin<&Self::Data<'_>>, start: &mut Start<'_>) -> Result;

    /// Takes back the buffers that the device has not used, by
    /// [`Virtqueue::detach_unused`](crate::Virtqueue::detach_unused): it was reset, as it has
    /// failed or is being unbound, or one of its queues was. Context as for [`Driver::start`].
    ///
    /// Interrupt handlers may still run, but find nothing.
    fn reclaim(data: Pin<&Self::Data<'_>>, stopped: &Stopped<'_>);

    /// Called when the device has changed its configuration: in a thread, may sleep, never by two
    /// threads at a time. Called once after [`Driver::connect`] has returned, too, as the change may
    /// have come before. Can coincide with all other functions.
    #[doc(alias = "virtio_config_changed")]
    fn config_changed(data: Pin<&Self::Data<'_>>) {
        let _ = data;
    }

    /// Called before the guards are dropped that [`Driver::connect`] kept: wakes whoever would wait
    /// for what does not come any more. With the device's lock held, may sleep.
    ///
    /// The device works, unless it has failed or is gone: then [`Driver::reclaim`] is called next.
    fn unbind(data: Pin<&Self::Data<'_>>) {
        let _ = data;
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
