// SPDX-License-Identifier: GPL-2.0

//! What there is for each device, and what of that all its queues share.

use crate::{
    caps::Caps,
    config::{
        Link,
        NetConfig, //
    },
    desired::{
        Desired,
        State, //
    },
    rings::Rings,
    rss::Rss,
    rx_hash::Asked,
    stats::DeviceStats, //
};
use core::{
    marker::PhantomData,
    sync::atomic::{
        AtomicBool,
        AtomicU16,
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::{
    device::Bound,
    new_mutex,
    prelude::*,
    sync::{
        Mutex,
        MutexGuard, //
    }, //
};
use netdev::{
    Held,
    NetDev, //
};
use rvirtio::{
    Device,
    Outcome, //
};

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
    /// What commands set. The innermost of all locks that sleep.
    desired: Pin<KBox<Mutex<Desired<'bound>>>>,
    /// Whether the device is stopped, to be started again. Set with the instance lock held.
    paused: AtomicBool,
    /// How many pairs of queues are used. Set with the instance lock held.
    used_pairs: AtomicU16,
    /// The largest MTU that the program takes which looks at received frames. Set with the instance lock
    /// held.
    max_mtu_for_xdp: AtomicU32,
    /// Which hashes of received frames the device was asked for.
    pub(crate) asked: Asked,
    pub(crate) rings: Rings<'bound>,
    pub(crate) stats: DeviceStats,
    /// The index of the queue for commands, if there is one.
    pub(crate) control_queue: u16,
}

impl<'bound> NetData<'bound> {
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        config: NetConfig<'bound>,
        caps: Caps,
        desired: Desired<'bound>,
        rings: Rings<'bound>,
        control_queue: u16,
    ) -> Result<Self> {
        let lock = new_mutex!(desired, "rvirtio_net::Desired");
        Ok(Self {
            dev,
            desired: KBox::pin_init(lock, GFP_KERNEL)?,
            caps,
            config,
            speed: AtomicU32::new(u32::MAX),
            duplex: AtomicU32::new(u32::MAX),
            paused: AtomicBool::new(false),
            used_pairs: AtomicU16::new(1),
            max_mtu_for_xdp: AtomicU32::new(u32::MAX),
            asked: Asked::default(),
            rings,
            stats: DeviceStats::default(),
            control_queue,
        })
    }

    /// Returns what commands set; sleeps while one is sent.
    pub(crate) fn desired(&self) -> MutexGuard<'_, Desired<'bound>> {
        self.desired.lock()
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
        if self.config.has_speed() {
            self.set_link(link.speed, link.full_duplex);
        }
        let usable = !self.dev.is_dead() && !self.dev.needs_reset();
        held.set_carrier(link.up && usable);
    }

    /// Sets the speed of the link in Mbit/s, and whether it is full duplex.
    #[doc(alias = "virtnet_set_link_ksettings")]
    pub(crate) fn set_link(&self, speed: Option<u32>, full_duplex: Option<bool>) {
        let unknown = u32::MAX;
        self.speed
            .store(speed.unwrap_or(unknown), Ordering::Relaxed);
        let duplex = full_duplex.map_or(unknown, u32::from);
        self.duplex.store(duplex, Ordering::Relaxed);
    }

    /// Changes how hashes of received frames are made, and frames spread by them.
    ///
    /// # Errors
    ///
    /// Those of [`Desired::change_rss`].
    pub(crate) fn change_rss(&self, change: impl FnOnce(&mut Rss) -> bool) -> Result {
        let mut desired = self.desired();
        desired.change_rss(change)?;
        self.asked.set(desired.rss().map_or(0, Rss::reported));
        Ok(())
    }

    /// Returns whether the device is stopped, to be started again.
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::Relaxed)
    }

    /// Returns how many pairs of queues are used, the first ones.
    pub(crate) fn used_pairs(&self) -> u16 {
        self.used_pairs.load(Ordering::Relaxed)
    }

    pub(crate) fn set_used_pairs(&self, count: u16) {
        self.used_pairs.store(count, Ordering::Relaxed);
    }

    /// Returns the largest MTU that the program takes which looks at received frames.
    pub(crate) fn max_mtu_for_xdp(&self) -> u32 {
        self.max_mtu_for_xdp.load(Ordering::Relaxed)
    }

    pub(crate) fn set_max_mtu_for_xdp(&self, mtu: u32) {
        self.max_mtu_for_xdp.store(mtu, Ordering::Relaxed);
    }

    /// Keeps the device from being used until [`NetData::unpause`].
    pub(crate) fn pause(&self) {
        self.paused.store(true, Ordering::Relaxed);
        self.desired().set_state(State::Paused);
    }

    /// Tells a device that was reset what it is to know, if it runs.
    pub(crate) fn unpause(&self, outcome: Outcome) {
        self.paused.store(false, Ordering::Relaxed);
        let mut desired = self.desired();
        match outcome {
            Outcome::Dead => desired.set_state(State::Dead),
            Outcome::Running => {
                desired.set_state(State::Running);
                if let Err(error) = desired.replay() {
                    dev_err!(self.dev, "not all settings could be restored: {error:?}\n");
                }
                if self.caps.control.stats && self.stats.query(&mut desired).is_err() {
                    dev_warn!(self.dev, "the device does not say what it counts\n");
                }
            }
        }
    }

    /// Returns whether the device wants to be announced on the network.
    pub(crate) fn is_to_be_announced(&self) -> bool {
        self.caps.control.announce && !self.is_paused() && self.config.wants_announcement()
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
