// SPDX-License-Identifier: GPL-2.0

//! What belongs to a network device, and its life.

use crate::{
    bindings,
    callbacks::{
        self,
        Callbacks, //
    },
    config::NetDevConfig,
    dim::Dim,
    ethtool::EthtoolOps,
    features::NetFeatures,
    helpers::*,
    lock::Held,
    operations::Operations,
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
    ffi::c_uint,
    prelude::*, //
};
use rvirtio::Dma;

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
    /// Whether the device uses physical addresses.
    physical: bool,
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

// SAFETY: A network device is bound to no thread, `T::Device` is `Send`, and so are pairs.
unsafe impl<T: Operations> Send for Inner<T> {}
// SAFETY: What a shared reference gives access to is `Sync`: `T::Device`, pairs, and the device, whose
// functions lock. The phase is only accessed under the instance lock.
unsafe impl<T: Operations> Sync for Inner<T> {}

impl<T: Operations> Inner<T> {
    /// Creates a device with `count` pairs of queues, as many as there are in `pairs`.
    pub(crate) fn new(
        dma: Dma<'_>,
        config: &NetDevConfig<'_>,
        data: T::Device,
        pairs: KVec<PairInit<T>>,
        count: c_uint,
    ) -> Result<Pin<KBox<Self>>> {
        let size = size_of::<*const Inner<T>>() as i32;
        // SAFETY: No requirements.
        let dev = unsafe { bindings::alloc_etherdev_mqs(size, count, count) };
        // INVARIANT: It was just allocated. There are no pairs yet.
        let inner = Self {
            dev: NonNull::new(dev).ok_or(ENOMEM)?,
            pairs: KVec::new(),
            data,
            phase: UnsafeCell::new(Phase::New),
            physical: dma.is_physical(),
            _pin: PhantomPinned,
        };
        let mut inner = KBox::pin(inner, GFP_KERNEL)?;
        inner.set_up(dma, config);
        // SAFETY: Nothing is moved out of it.
        let place = unsafe { inner.as_mut().get_unchecked_mut() };
        place.add_pairs(dma, config, pairs)?;
        Ok(inner)
    }

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

    /// Returns whether the device uses physical addresses.
    pub(crate) fn is_physical(&self) -> bool {
        self.physical
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
            callbacks::set_limits(dev, config);
        }
    }

    fn add_pairs(
        &mut self,
        dma: Dma<'_>,
        config: &NetDevConfig<'_>,
        inits: KVec<PairInit<T>>,
    ) -> Result {
        let inner = NonNull::from(&mut *self);
        if config.adapts {
            // SAFETY: It is a network device that is not registered; `drop` calls `Dim::free`.
            unsafe { Dim::init::<T>(self.dev()) }?;
        }
        // All room at once, so that pairs stay where they are.
        self.pairs.reserve(inits.len(), GFP_KERNEL)?;
        for (index, init) in (0..).zip(inits) {
            // SAFETY: The device has so many queues, and outlives this.
            let tx = unsafe { TxQueue::new(callbacks::tx_queue(self.dev(), index), init.tx) };
            // SAFETY: The pair is part of this, and its NAPI registered below.
            let pair = unsafe { Pair::new(init.rx, tx, init.shared, inner, index) };
            self.pairs.push(pair, GFP_KERNEL)?;
            let dev = self.dev();
            let Some(pair) = self.pairs.last_mut() else {
                return Err(EINVAL);
            };
            // SAFETY: The NAPI stays where it is until it is deleted in `drop`. The device was set up to
            // adapt if it does, and nobody uses the pair yet.
            unsafe {
                rvirtio_helper_netif_napi_add_config(
                    dev,
                    pair.napi(),
                    Callbacks::<T>::poll,
                    index.into(),
                );
                (*pair.napi()).weight = config.napi_weight.into();
                if config.adapts {
                    pair.init_dim();
                }
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
        // SAFETY: The device is not registered (type invariant), and has no pairs any more.
        unsafe { Dim::free(dev) };
        // SAFETY: The device is not registered (type invariant), and all pairs that refer to it are gone.
        // What sysfs may still have open calls nothing of this driver.
        unsafe { bindings::free_netdev(dev) }
    }
}
