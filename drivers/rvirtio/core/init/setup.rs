// SPDX-License-Identifier: GPL-2.0

//! What both steps of initialising the data of a driver have in common.

use crate::{
    config::Config,
    device::Device,
    dma::Dma,
    spec::feature::Features, //
};
use core::marker::PhantomData;
use kernel::{
    device::Bound,
    types::NotThreadSafe, //
};

/// The methods that both steps have in common.
///
/// It cannot leave the thread that probes the device, so it cannot be part of the driver's data.
pub struct Setup<'bound> {
    dev: &'bound Device<Bound>,
    features: Features,
    _invariant: PhantomData<fn(&'bound ()) -> &'bound ()>,
    _not_shared: NotThreadSafe,
}

impl<'bound> Setup<'bound> {
    pub(super) fn new(dev: &'bound Device<Bound>, features: Features) -> Self {
        Self {
            dev,
            features,
            _invariant: PhantomData,
            _not_shared: NotThreadSafe,
        }
    }

    /// Returns the device.
    pub fn device(&self) -> &'bound Device<Bound> {
        self.dev
    }

    /// Returns the negotiated features.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Returns the configuration of the device.
    pub fn config(&self) -> Config<'bound> {
        Config::new(self.dev)
    }

    /// Returns how the device addresses memory.
    pub fn dma(&self) -> Dma<'bound> {
        Dma::new(self.dev, self.features)
    }

    /// Returns the number of queues of the device.
    pub fn num_queues(&self) -> u16 {
        self.dev.transport().num_queues()
    }
}
