// SPDX-License-Identifier: GPL-2.0

//! Network devices.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    bindings,
    ethtool::EthtoolOps,
    features::NetFeatures,
    helpers::*,
    lock::Held,
    operations::{
        self,
        Callbacks,
        Operations, //
    },
    page_pool::PagePool,
    pair::{
        Pair,
        PairInit, //
    },
    tx_queue::TxQueue, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomPinned,
    ptr::NonNull, //
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

/// What a network device is to be like.
pub struct NetDevConfig<'a> {
    /// Its address; a random one without.
    pub mac: Option<[u8; 6]>,
    /// The MTU to start with.
    pub mtu: u16,
    /// The smallest MTU that can be set.
    pub min_mtu: u16,
    /// The largest MTU that can be set.
    pub max_mtu: u16,
    /// What it can do, all of it switched on at first.
    pub features: NetFeatures,
    /// What of that can be switched.
    pub switchable: NetFeatures,
    /// What of that it can do for frames in tunnels. Without segmentation it completes no checksums
    /// there.
    pub in_tunnels: NetFeatures,
    /// Bytes that it likes to have before frames that it sends.
    pub needed_headroom: u16,
    /// The orders of the pages that each pair has pools of.
    pub page_orders: &'a [u8],
    /// The number of buffers of a receive queue.
    pub rx_size: u16,
}

/// A network device of the driver's.
///
/// # Invariants
///
/// The allocation stays where it is until this is dropped.
#[doc(alias = "net_device")]
pub struct NetDev<T: Operations>(Pin<KBox<Inner<T>>>);

/// What callbacks find through the device's private data.
///
/// # Invariants
///
/// - `dev` is a network device, which is not registered any more when this is dropped. Its private
///   data points to this.
/// - No element of `pairs` ever moves.
pub(crate) struct Inner<T: Operations> {
    dev: NonNull<bindings::net_device>,
    pairs: KVec<Pair<T>>,
    data: T::Device,
    /// Guarded by the instance lock.
    phase: UnsafeCell<Phase>,
    _pin: PhantomPinned,
}

// Private data is where C has it.
const _: () = assert!(
    core::mem::offset_of!(bindings::net_device, priv_)
        == bindings::RVIRTIO_NETDEV_PRIV_OFFSET as usize
);

/// The life of a network device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// It was never registered.
    New,
    /// It is registered, or about to be.
    Registered,
    /// It is about to be unregistered, or was, or could not be registered.
    Gone,
}

// SAFETY: A network device is bound to no thread; the data of the driver are `Sync` or guarded.
unsafe impl<T: Operations> Send for Inner<T> {}
// SAFETY: The same.
unsafe impl<T: Operations> Sync for Inner<T> {}

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
        let size = size_of::<*const Inner<T>>() as i32;
        // SAFETY: No requirements.
        let dev = unsafe { bindings::alloc_etherdev_mqs(size, count, count) };
        // INVARIANT: It was just allocated. There are no pairs yet.
        let inner = Inner {
            dev: NonNull::new(dev).ok_or(ENOMEM)?,
            pairs: KVec::new(),
            data,
            phase: UnsafeCell::new(Phase::New),
            _pin: PhantomPinned,
        };
        let mut inner = KBox::pin(inner, GFP_KERNEL)?;
        inner.set_up(dma, config);
        // SAFETY: Nothing is moved out of it.
        let place = unsafe { inner.as_mut().get_unchecked_mut() };
        place.add_pairs(dma, config, pairs)?;
        Ok(Self(inner))
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
        &self.0.pairs
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

impl<T: Operations> Inner<T> {
    #[inline]
    pub(crate) fn dev(&self) -> *mut bindings::net_device {
        self.dev.as_ptr()
    }

    #[inline]
    pub(crate) fn data(&self) -> &T::Device {
        &self.data
    }

    #[inline]
    pub(crate) fn pairs(&self) -> &[Pair<T>] {
        &self.pairs
    }

    /// Where the phase is, for who holds the instance lock.
    pub(crate) fn phase(&self) -> *mut Phase {
        self.phase.get()
    }

    /// Finds what belongs to a network device.
    ///
    /// # Safety
    ///
    /// `dev` must be the device of an `Inner<T>` that is there for `'a`.
    #[inline]
    pub(crate) unsafe fn of_dev<'a>(dev: *mut bindings::net_device) -> &'a Self {
        // SAFETY: Private data is a pointer to this (type invariant).
        unsafe { &**(&raw const (*dev).priv_).cast::<*const Self>() }
    }

    fn set_up(self: &Pin<KBox<Self>>, dma: Dma<'_>, config: &NetDevConfig<'_>) {
        let dev = self.dev();
        let inner: *const Self = &**self;
        let parent: *const kernel::device::Device<_> = dma.device().parent();
        // SAFETY: `dev` is a network device that is not registered, so nobody else uses it. Its
        // private data has room for a pointer.
        unsafe {
            (&raw mut (*dev).priv_).cast::<*const Self>().write(inner);
            // CAST: `Device` is a transparent wrapper.
            (*dev).dev.parent = parent.cast_mut().cast();
            match &config.mac {
                Some(mac) => rvirtio_helper_eth_hw_addr_set(dev, mac.as_ptr()),
                None => rvirtio_helper_eth_hw_addr_random(dev),
            }
            (*dev).request_ops_lock = true;
            (*dev).netdev_ops = if config.in_tunnels == NetFeatures::NONE {
                &Callbacks::<T>::NETDEV_OPS
            } else {
                &Callbacks::<T>::NETDEV_OPS_WITH_TUNNELS
            };
            (*dev).ethtool_ops = &EthtoolOps::<T>::OPS;
            (*dev).stat_ops = &Callbacks::<T>::STAT_OPS;
            operations::set_limits(dev, config);
        }
    }

    fn add_pairs(
        &mut self,
        dma: Dma<'_>,
        config: &NetDevConfig<'_>,
        inits: KVec<PairInit<T>>,
    ) -> Result {
        let inner = NonNull::from(&mut *self);
        // All room at once, so that pairs stay where they are.
        self.pairs.reserve(inits.len(), GFP_KERNEL)?;
        for (index, init) in (0..).zip(inits) {
            // SAFETY: The device has so many queues, and outlives this.
            let tx = unsafe { TxQueue::new(operations::tx_queue(self.dev(), index), init.tx) };
            // SAFETY: The pair is part of this, and its NAPI registered below.
            let pair = unsafe { Pair::new(init.rx, tx, init.shared, inner, index) };
            self.pairs.push(pair, GFP_KERNEL)?;
            let dev = self.dev();
            let Some(pair) = self.pairs.last_mut() else {
                return Err(EINVAL);
            };
            // SAFETY: The NAPI stays where it is until it is deleted in `drop`.
            unsafe {
                rvirtio_helper_netif_napi_add_config(
                    dev,
                    pair.napi(),
                    Callbacks::<T>::poll,
                    index.into(),
                );
            }
            let mut pools = KVec::with_capacity(config.page_orders.len(), GFP_KERNEL)?;
            for &order in config.page_orders {
                // SAFETY: `drop` destroys the pools before it deletes the NAPI, which then is
                // disabled, and waits for a grace period before it frees that.
                let pool = unsafe { PagePool::new(dma, order, config.rx_size, pair.napi()) }?;
                pools.push(pool, GFP_KERNEL)?;
            }
            pair.set_pools(pools);
        }
        Ok(())
    }
}

impl<T: Operations> Drop for Inner<T> {
    fn drop(&mut self) {
        let dev = self.dev();
        // SAFETY: The device is not registered (type invariant), so that nobody holds its lock.
        unsafe {
            rvirtio_helper_netdev_lock(dev);
            Held::new(self, true).pause_all();
        }
        // SAFETY: There are no callbacks, and no polls any more. The order is the argument: what is
        // in virtqueues refers to pools, and pools to NAPIs, for as long as a grace period after
        // their end.
        unsafe {
            for pair in &mut self.pairs {
                pair.drop_queues();
            }
            for pair in &mut self.pairs {
                pair.drop_pools();
            }
            rvirtio_helper_netdev_lock(dev);
            for pair in &self.pairs {
                bindings::__netif_napi_del_locked(pair.napi());
            }
            rvirtio_helper_netdev_unlock(dev);
            bindings::synchronize_net();
        }
        self.pairs = KVec::new();
        // SAFETY: As above. What sysfs may still have open calls nothing of this driver.
        unsafe { bindings::free_netdev(dev) }
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
