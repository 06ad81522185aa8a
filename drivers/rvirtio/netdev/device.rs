// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    bindings,
    config::NetDevConfig,
    helpers::*,
    inner::{
        Inner,
        Phase, //
    },
    lock::Held,
    operations::Operations,
    pair::{
        Pair,
        PairInit, //
    },
    rtnl::Rtnl, //
};
use kernel::{
    error::to_result,
    ffi::c_uint,
    prelude::*, //
};
use rvirtio::{
    Dma,
    Ready, //
};

/// A network device of the driver's.
///
/// # Invariants
///
/// The allocation stays where it is until this is dropped.
#[doc(alias = "net_device")]
pub struct NetDev<T: Operations>(Pin<KBox<Inner<T>>>);

impl<T: Operations> NetDev<T> {
    /// Creates a device that nobody sees yet, with the given pairs of queues. Its parent is the
    /// device that knows of DMA, so that it gets a predictable name.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`], and [`EINVAL`] for no pairs.
    #[doc(alias = "alloc_etherdev_mq")]
    pub fn new(
        dma: Dma<'_>,
        config: &NetDevConfig<'_>,
        data: T::Device,
        pairs: KVec<PairInit<T>>,
    ) -> Result<Self> {
        let count = c_uint::try_from(pairs.len())?;
        if count == 0 {
            return Err(EINVAL);
        }
        Inner::new(dma, config, data, pairs, count).map(Self)
    }

    /// Shows the device to all. It is gone when the virtio device is unbound.
    ///
    /// # Errors
    ///
    /// What the stack returns, and [`EBUSY`] the second time.
    #[doc(alias = "register_netdev")]
    pub fn register<'a>(&'a self, ready: &Ready<'a>) -> Result {
        Registered::keep(self, ready)
    }

    /// Returns what the driver has for all of the device.
    pub fn data(&self) -> &T::Device {
        self.0.data()
    }

    /// Returns the pairs of queues.
    pub fn pairs(&self) -> &[Pair<T>] {
        self.0.pairs()
    }

    /// Returns the address of the interface, which nobody sees yet.
    pub fn address(&self) -> [u8; 6] {
        // SAFETY: It is an Ethernet device (type invariant), so that it has an address of six bytes.
        unsafe { (*self.0.dev()).dev_addr.cast::<[u8; 6]>().read() }
    }

    /// Has the stack use `count` pairs of queues, the first ones. Must not be called with a lock held; may
    /// sleep.
    ///
    /// # Errors
    ///
    /// Those of [`Held::set_pair_count`].
    pub fn set_pair_count(&self, count: u16) -> Result {
        // SAFETY: No requirements.
        unsafe { bindings::rtnl_lock() };
        // SAFETY: It was just locked, and is until the end.
        let rtnl = unsafe { Rtnl::new() };
        let result = self.lock().set_pair_count(&rtnl, count);
        // SAFETY: It was locked above.
        unsafe { bindings::rtnl_unlock() };
        result
    }

    /// Has all others on the network learn where the interface is. Must not be called with a lock held; may
    /// sleep. Of no effect on a device that is not registered.
    #[doc(alias = "netdev_notify_peers")]
    pub fn announce(&self) {
        let dev = self.0.dev();
        // SAFETY: It is a network device (type invariant). The lock is held that it takes to register or
        // unregister it.
        unsafe {
            bindings::rtnl_lock();
            if u32::from((*dev).reg_state) == bindings::RVIRTIO_NETREG_REGISTERED {
                bindings::__netdev_notify_peers(dev);
            }
            bindings::rtnl_unlock();
        }
    }

    /// Takes the lock of the control path; may sleep. Must not be called where that is held: in
    /// operations that get a [`Held`].
    #[doc(alias = "netdev_lock")]
    pub fn lock(&self) -> Held<'_, T> {
        // SAFETY: It is a network device (type invariant).
        unsafe { rvirtio_helper_netdev_lock(self.0.dev()) };
        // SAFETY: It was just locked.
        unsafe { Held::new(&self.0, true) }
    }
}

/// A device that all can see, until this is dropped.
///
/// # Invariants
///
/// The device is registered.
struct Registered<'a, T: Operations>(&'a NetDev<T>);

impl<'a, T: Operations> Registered<'a, T> {
    fn keep(netdev: &'a NetDev<T>, ready: &Ready<'a>) -> Result {
        if !netdev.lock().advance(Phase::New, Phase::Registered) {
            return Err(EBUSY);
        }
        let dev = netdev.0.dev();
        // SAFETY: It is a network device that is set up. It was never registered: this was checked
        // above.
        to_result(unsafe { bindings::register_netdev(dev) }).inspect_err(|_| {
            netdev.lock().advance(Phase::Registered, Phase::Gone);
        })?;
        // INVARIANT: It was just registered.
        ready.keep(Self(netdev))
    }
}

impl<T: Operations> Drop for Registered<'_, T> {
    #[doc(alias = "unregister_netdev")]
    fn drop(&mut self) {
        self.0.lock().advance(Phase::Registered, Phase::Gone);
        // SAFETY: It is registered (type invariant). It is closed, and nobody calls into the driver
        // after this.
        unsafe { bindings::unregister_netdev(self.0 .0.dev()) }
    }
}
