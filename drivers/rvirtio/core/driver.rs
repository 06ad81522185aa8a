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
        Outcome,
        Start,
        Stopped,
        Why, //
    },
    device_id::IdTable,
    init::{
        Dependency,
        Negotiated, //
    },
    param::FeaturesOff,
    spec::feature::Feature, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// A driver of one or more types of virtio devices.
///
/// A driver has one value per device, its data. Core initialises it ([`Driver::probe`]), pins it,
/// connects it to whatever calls into the driver ([`Driver::connect`]), and drops it once all of
/// that has ended. See `samples/rvirtio_rng` for a complete driver.
pub trait Driver: 'static {
    /// The driver-specific information in each entry of the id table.
    type IdInfo: 'static;

    /// The per-device data of the driver, which lives for as long as the device is bound.
    type Data<'bound>: Send + Sync + 'bound;

    /// The table of devices that the driver supports, created by
    /// [`virtio_device_table!`](crate::virtio_device_table).
    const ID_TABLE: IdTable<Self::IdInfo>;

    /// The features of the device type that the driver implements. Core adds those of ring and
    /// transport.
    const FEATURES: &'static [Feature];

    /// The prerequisites among [`Driver::FEATURES`].
    const DEPENDENCIES: &'static [Dependency] = &[];

    /// Returns the parameter of the module that switches features off, if it has one: see
    /// [`features_off_param!`](crate::features_off_param).
    fn features_off() -> Option<&'static FeaturesOff> {
        None
    }

    /// Returns the initialiser of the driver's data. The features of `init` are negotiated; queues
    /// created from it are not enabled yet. Called with the device lock held; may sleep.
    ///
    /// # Errors
    ///
    /// On any error core sets FAILED and resets the device.
    fn probe<'bound>(
        init: Negotiated<'bound>,
        info: &'bound Self::IdInfo,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound;

    /// Connects the data to interrupts and a subsystem, and in between starts the device with
    /// [`Connect::driver_ok`]. Called with the device lock held; may sleep.
    ///
    /// # Errors
    ///
    /// On any error core drops all guards that were kept and resets the device. It sets FAILED
    /// first, unless the device was started.
    fn connect<'a>(data: Pin<&'a Self::Data<'_>>, connect: Connect<'a>) -> Result<Ready<'a>>;

    /// Enables the queues with [`Start::enable`]. Buffers can be added from then on, but the device
    /// is not notified yet. May sleep, but must not wait for anything that starts, stops or resets
    /// the device or its queues. A driver whose device can be restarted must not allocate memory
    /// here that may need its device.
    ///
    /// # Errors
    ///
    /// On any error core sets FAILED and resets the device.
    fn start(data: Pin<&Self::Data<'_>>, start: &mut Start<'_>) -> Result;

    /// Takes back the buffers that the device has not used, with
    /// [`Virtqueue::detach_unused`](crate::Virtqueue::detach_unused). Called after a reset of the
    /// device or of one of its queues, for the reason that [`Stopped::why`] returns. The context is
    /// that of [`Driver::start`].
    ///
    /// Interrupt handlers may still run, but find no used buffers.
    fn reclaim(data: Pin<&Self::Data<'_>>, stopped: &Stopped<'_>);

    /// Returns whether the device can be restarted after it was stopped: because it has failed, the
    /// machine was suspended, or the transport has reset it. Called once, after DRIVER_OK.
    ///
    /// If it can, each of these is a call of [`Driver::quiesce`], [`Driver::reclaim`],
    /// [`Driver::start`], unless the device cannot be restarted, and [`Driver::resume`]. The same
    /// features are negotiated, and queues have the same sizes. If it cannot, a device that fails is
    /// stopped until it is bound again, and nothing is done about the others.
    fn can_restart(data: Pin<&Self::Data<'_>>) -> bool {
        let _ = data;
        false
    }

    /// Stops adding buffers, and keeps others from doing so, until [`Driver::resume`] is called. The
    /// device still works, unless `why` is [`Why::Recovery`] or [`Why::End`]. The context is that of
    /// [`Driver::start`].
    #[doc(alias = "virtio_device_freeze")]
    fn quiesce(data: Pin<&Self::Data<'_>>, why: Why) {
        let _ = (data, why);
    }

    /// Reverts [`Driver::quiesce`], and is called exactly once for each call of that. If the device
    /// is running, this notifies it of buffers that were added in [`Driver::start`], and restores
    /// the state that a reset loses. If it is dead, everything that waits for it has to fail. The
    /// context is that of [`Driver::start`].
    #[doc(alias = "virtio_device_restore")]
    fn resume(data: Pin<&Self::Data<'_>>, outcome: Outcome) {
        let _ = (data, outcome);
    }

    /// Handles a change of the configuration. Called in a thread, never by two threads at a time;
    /// may sleep. Also called once after [`Driver::connect`] has returned, and after
    /// [`Driver::resume`] has, since the configuration may have changed before. Can run concurrently
    /// with all other functions.
    #[doc(alias = "virtio_config_changed")]
    fn config_changed(data: Pin<&Self::Data<'_>>) {
        let _ = data;
    }

    /// Writes the state of the queues for the file `queues` of the device in debugfs, a line each:
    /// [`Virtqueue::snapshot`](crate::Virtqueue::snapshot). The context is that of [`Driver::start`].
    ///
    /// # Errors
    ///
    /// Those of writing.
    fn show(data: Pin<&Self::Data<'_>>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let _ = (data, f);
        Ok(())
    }

    /// Wakes threads that wait for something that will not happen any more. Called before the
    /// guards that [`Driver::connect`] kept are dropped, with the device lock held; may sleep.
    ///
    /// The device still works, unless it has failed or is gone; in that case [`Driver::reclaim`] is
    /// called next.
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
