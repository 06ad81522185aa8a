// SPDX-License-Identifier: GPL-2.0

//! What there is for each device, and what of that all its queues share.

use crate::{
    caps::Caps,
    config::{
        Link,
        NetConfig, //
    }, //
};
use core::{
    marker::PhantomData,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::device::Bound;
use netdev::NetDev;
use rvirtio::Device;

/// What the driver has for each device.
pub(crate) struct Data<'bound> {
    pub(crate) netdev: NetDev<NetOps<'bound>>,
}

/// The driver as the network stack sees it.
pub(crate) struct NetOps<'bound>(PhantomData<fn(&'bound ()) -> &'bound ()>);

/// What all queues of a device share.
pub(crate) struct NetData<'bound> {
    pub(crate) dev: &'bound Device<Bound>,
    pub(crate) caps: Caps,
    config: NetConfig<'bound>,
    /// Speed in Mbit/s, and how many directions work at a time; both with all bits set if unknown.
    speed: AtomicU32,
    duplex: AtomicU32,
}

impl<'bound> NetData<'bound> {
    pub(crate) fn new(dev: &'bound Device<Bound>, config: NetConfig<'bound>, caps: Caps) -> Self {
        Self {
            dev,
            caps,
            config,
            speed: AtomicU32::new(u32::MAX),
            duplex: AtomicU32::new(u32::MAX),
        }
    }

    /// Follows what the device says about its link.
    pub(crate) fn update_link(&self, netdev: &NetDev<NetOps<'bound>>) {
        // Core has logged a configuration that cannot be read.
        let link = self.config.link().unwrap_or(Link::default());
        let unknown = u32::MAX;
        self.speed
            .store(link.speed.unwrap_or(unknown), Ordering::Relaxed);
        let duplex = link.full_duplex.map_or(unknown, u32::from);
        self.duplex.store(duplex, Ordering::Relaxed);
        netdev
            .lock()
            .set_carrier(link.up && !self.dev.needs_reset());
    }
    /// Returns the speed of the link in Mbit/s, and whether it is full duplex, as far as known.
    pub(crate) fn link(&self) -> (Option<u32>, Option<bool>) {
        let known = |value: &AtomicU32| {
            let value = value.load(Ordering::Relaxed);
            (value != u32::MAX).then_some(value)
        };
        (known(&self.speed), known(&self.duplex).map(|n| n != 0))
    }
}
