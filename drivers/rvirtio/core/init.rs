// SPDX-License-Identifier: GPL-2.0

//! Initialising a driver's data: the first half of the sequence of virtio 1.4, 3.1.1, as types.
//!
//! ```text
//! Negotiated --find_vqs()--> Configured
//! ```
//!
//! Both exist during [`Driver::probe`](crate::Driver::probe) only. What is created with them
//! belongs to the driver's data. None of it is shared with the device before the data is complete,
//! see [`Connect`](crate::Connect).

mod configured;
mod handshake;
mod negotiate;
mod negotiated;
mod off;

pub(crate) use self::handshake::handshake;
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
    },
    off::{
        switched_off,
        Named,
        RING_NAMES, //
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
