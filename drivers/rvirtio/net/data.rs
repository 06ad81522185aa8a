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
        AtomicBool,
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::device::Bound;
use netdev::{
    Held,
    NetDev, //
};
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
    /// Whether the device is stopped, to be started again. Set with the instance lock held.
    paused: AtomicBool,
}

impl<'bound> NetData<'bound> {
    pub(crate) fn new(dev: &'bound Device<Bound>, config: NetConfig<'bound>, caps: Caps) -> Self {
        Self {
            dev,
            caps,
            config,
            speed: AtomicU32::new(u32::MAX),
            duplex: AtomicU32::new(u32::MAX),
            paused: AtomicBool::new(false),
        }
    }

    /// Follows what the device says about its link.
    ///
    /// While the device is stopped it must not be accessed. What it says is looked up when it runs again.
    pub(crate) fn update_link(&self, held: &mut Held<'_, NetOps<'bound>>) {
        if self.is_paused() {
            return;
        }
        // Core has logged a configuration that cannot be read.
        let link = self.config.link().unwrap_or(Link::default());
        let unknown = u32::MAX;
        self.speed
            .store(link.speed.unwrap_or(unknown), Ordering::Relaxed);
        let duplex = link.full_duplex.map_or(unknown, u32::from);
        self.duplex.store(duplex, Ordering::Relaxed);
        let usable = !self.dev.is_dead() && !self.dev.needs_reset();
        held.set_carrier(link.up && usable);
    }

    /// Returns whether the device is stopped, to be started again.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    pub(crate) fn set_paused(&self, paused: bool) {
        self.paused.store(paused, Ordering::Relaxed);
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
