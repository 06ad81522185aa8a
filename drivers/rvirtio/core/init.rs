// SPDX-License-Identifier: GPL-2.0

//! Making a driver's data: the first half of the sequence of virtio 1.4, 3.1.1, as types.
//!
//! ```text
//! Negotiated --find_vqs()--> Configured
//! ```
//!
//! Both live within [`Driver::probe`](crate::Driver::probe). What is made with them belongs to the
//! driver's data; the device is told of none of it before that is complete, see
//! [`Connect`](crate::Connect).

mod configured;
mod negotiate;
mod negotiated;

pub use self::{
    configured::Configured,
    negotiate::{
        close,
        negotiate,
        Demand,
        Dependency,
        NegotiateError, //
    },
    negotiated::{
        Negotiated,
        VqInfo, //
    }, //
};

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

/// What both steps can do.
///
/// It stays in the thread that probes, so that no driver's data can have it.
pub struct Setup<'bound> {
    dev: &'bound Device<Bound>,
    features: Features,
    _invariant: PhantomData<fn(&'bound ()) -> &'bound ()>,
    _not_shared: NotThreadSafe,
}

impl<'bound> Setup<'bound> {
    fn new(dev: &'bound Device<Bound>, features: Features) -> Self {
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

    /// Returns the features that were negotiated.
    pub fn features(&self) -> Features {
        self.features
    }

    /// Returns the device's configuration.
    pub fn config(&self) -> Config<'bound> {
        Config::new(self.dev)
    }

    /// Returns how the device addresses memory.
    pub fn dma(&self) -> Dma<'bound> {
        Dma::new(self.dev, self.features)
    }

    /// Returns the number of queues that the device has.
    pub fn num_queues(&self) -> u16 {
        self.dev.transport().num_queues()
    }
}
