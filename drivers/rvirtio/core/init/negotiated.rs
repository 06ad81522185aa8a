// SPDX-License-Identifier: GPL-2.0

//! Reset, and agreement on features.

use super::{
    configured::Configured,
    negotiate::{
        negotiate,
        Demand,
        Dependency, //
    },
    Setup, //
};
use crate::{
    device::Device,
    display::Log,
    dma,
    spec::{
        feature::{
            Feature,
            Features, //
        },
        status::DeviceStatus, //
    },
    vectors::{
        Affinity,
        Callback, //
    },
};
use core::ops::Deref;
use kernel::{
    device::Bound,
    prelude::*,
    str::CString, //
};

/// A device that has agreed to a set of features: FEATURES_OK is set and confirmed.
pub struct Negotiated<'bound>(Setup<'bound>);

impl<'bound> Deref for Negotiated<'bound> {
    type Target = Setup<'bound>;

    fn deref(&self) -> &Setup<'bound> {
        &self.0
    }
}

/// What a driver says about a queue.
#[doc(alias = "virtqueue_info")]
pub struct VqInfo<'a> {
    /// Its name in `/proc/interrupts`, after the device's: `req.0`.
    pub name: &'a CStr,
    /// How it interrupts.
    pub callback: Callback,
}

impl<'bound> Negotiated<'bound> {
    /// Resets the device and negotiates features with it. On failure the device is given up.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] for a legacy device or one that does not accept the features; [`ETIMEDOUT`]
    /// for one that does not reset.
    #[doc(alias = "virtio_dev_probe")]
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        driver: &[Feature],
        dependencies: &[Dependency],
    ) -> Result<Self> {
        dev.transport()
            .reset()
            .inspect_err(|_| dev_err!(dev, "device does not confirm its reset\n"))?;
        // Maybe the one of an earlier driver, that did not come in time.
        dev.life().end_stop();
        dev.set_configurable(true);
        Self::agree(dev, driver, dependencies)
            .map(|features| Self(Setup::new(dev, features)))
            .inspect_err(|_| dev.give_up())
    }

    fn agree(
        dev: &Device<Bound>,
        driver: &[Feature],
        dependencies: &[Dependency],
    ) -> Result<Features> {
        let transport = dev.transport();
        let add_status = |bit| transport.set_status(transport.status().with(bit));
        add_status(DeviceStatus::ACKNOWLEDGE);
        add_status(DeviceStatus::DRIVER);

        let demand = if dma::is_memory_restricted() {
            Demand::AccessPlatform
        } else {
            Demand::Nothing
        };
        let features = negotiate(
            transport.device_features(),
            Features::of(driver),
            transport.features(),
            dependencies,
            demand,
        )
        .map_err(|error| {
            dev_err!(dev, "{}\n", Log(error));
            ENODEV
        })?;
        transport.set_driver_features(features);
        add_status(DeviceStatus::FEATURES_OK);
        if !transport.status().contains(DeviceStatus::FEATURES_OK) {
            dev_err!(dev, "device does not accept the features {features:?}\n");
            return Err(ENODEV);
        }
        dev.set_features(features);
        Ok(features)
    }

    /// Allocates interrupt vectors for the given queues, which are the first of the device.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] when the device has fewer queues or none is given, and what allocating vectors
    /// returns.
    #[doc(alias = "virtio_find_vqs")]
    pub fn find_vqs(self, queues: &[VqInfo<'_>], affinity: Affinity) -> Result<Configured<'bound>> {
        let dev = self.device();
        let available = self.num_queues();
        let wanted = u16::try_from(queues.len())?;
        if wanted == 0 || wanted > available {
            dev_err!(dev, "{wanted} queues wanted, device has {available}\n");
            return Err(EINVAL);
        }
        let mut names = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        let mut callbacks = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        for queue in queues {
            let name = CString::try_from_fmt(fmt!("{}-{}", dev.as_ref().name(), queue.name))?;
            names.push(name, GFP_KERNEL)?;
            callbacks.push(queue.callback, GFP_KERNEL)?;
        }
        let policy = dev.alloc_vectors(names, callbacks, affinity)?;
        Ok(Configured::new(self.0, wanted, policy))
    }
}
