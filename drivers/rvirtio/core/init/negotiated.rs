// SPDX-License-Identifier: GPL-2.0

//! Resetting a device and negotiating features.

use super::{
    configured::Configured,
    handshake::handshake,
    negotiate::{
        negotiate,
        Demand,
        Dependency, //
    },
    setup::Setup, //
};
use crate::{
    device::Device,
    display::DisplayAdapter,
    dma,
    spec::feature::{
        Feature,
        Features, //
    },
    vectors::{
        Affinity,
        Callback, //
    },
};
use core::ops::Deref;
use kernel::{
    device::Bound,
    fmt,
    prelude::*,
    str::CString, //
};

/// A device whose features are negotiated: FEATURES_OK is set and confirmed.
pub struct Negotiated<'bound>(Setup<'bound>);

impl<'bound> Deref for Negotiated<'bound> {
    type Target = Setup<'bound>;

    fn deref(&self) -> &Setup<'bound> {
        &self.0
    }
}

/// The properties of a queue that the driver chooses.
#[doc(alias = "virtqueue_info")]
#[derive(Clone, Copy)]
pub struct VqInfo {
    name: &'static CStr,
    number: Option<u16>,
    callback: Callback,
}

impl VqInfo {
    /// Describes a queue whose `name` follows that of the device in `/proc/interrupts`.
    pub const fn new(name: &'static CStr, callback: Callback) -> Self {
        Self {
            name,
            number: None,
            callback,
        }
    }

    /// Describes one of several queues, such as `req.0` with a `name` of `req` and a `number` of 0.
    pub const fn numbered(name: &'static CStr, number: u16, callback: Callback) -> Self {
        Self {
            name,
            number: Some(number),
            callback,
        }
    }
}

impl fmt::Display for VqInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            None => f.write_fmt(fmt!("{}", self.name)),
            Some(number) => f.write_fmt(fmt!("{}.{number}", self.name)),
        }
    }
}

impl<'bound> Negotiated<'bound> {
    /// Resets the device and negotiates features, none of `off` among them. On failure FAILED is set
    /// and the device is reset.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] for a legacy device, or if the device does not accept the features; [`ETIMEDOUT`]
    /// if it does not confirm the reset.
    #[doc(alias = "virtio_dev_probe")]
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        driver: &[Feature],
        dependencies: &[Dependency],
        off: Features,
    ) -> Result<Self> {
        dev.transport()
            .reset()
            .inspect_err(|_| dev_err!(dev, "reset not confirmed\n"))?;
        // This may be the reset that an earlier driver has given up waiting for.
        dev.life().end_stop();
        dev.set_configurable(true);
        Self::agree(dev, driver, dependencies, off)
            .map(|features| Self(Setup::new(dev, features)))
            .inspect_err(|_| dev.give_up())
    }

    fn agree(
        dev: &Device<Bound>,
        driver: &[Feature],
        dependencies: &[Dependency],
        off: Features,
    ) -> Result<Features> {
        handshake(dev, |offered| {
            let demand = if dma::is_memory_restricted() {
                Demand::AccessPlatform
            } else {
                Demand::Nothing
            };
            negotiate(
                offered.difference(off),
                Features::of(driver),
                dev.transport().features(),
                dependencies,
                demand,
            )
            .map_err(|error| {
                dev_err!(dev, "{}\n", DisplayAdapter(error));
                ENODEV
            })
        })
    }

    /// Allocates interrupt vectors for the first queues of the device, as many as `queues` has.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if the device has fewer queues or `queues` is empty, and those of allocating
    /// vectors.
    #[doc(alias = "virtio_find_vqs")]
    pub fn find_vqs(self, queues: &[VqInfo], affinity: Affinity) -> Result<Configured<'bound>> {
        let dev = self.device();
        let available = self.num_queues();
        let wanted = u16::try_from(queues.len())?;
        if wanted == 0 || wanted > available {
            dev_err!(dev, "{wanted} queues required, device has {available}\n");
            return Err(EINVAL);
        }
        let mut names = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        let mut callbacks = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        for queue in queues {
            let name = CString::try_from_fmt(fmt!("{}-{queue}", dev.as_ref().name()))?;
            names.push(name, GFP_KERNEL)?;
            callbacks.push(queue.callback, GFP_KERNEL)?;
        }
        let policy = dev.alloc_vectors(names, callbacks, affinity)?;
        Ok(Configured::new(self.0, wanted, policy))
    }
}
