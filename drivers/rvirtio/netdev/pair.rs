// SPDX-License-Identifier: GPL-2.0

//! A receive queue, a transmit queue, and the NAPI that polls both.

use crate::{
    bindings,
    dim::Dim,
    inner::Inner,
    operations::Operations,
    page_pool::PagePool,
    tx_queue::{
        TxGuard,
        TxQueue, //
    },
    xdp_queue::XdpQueue,
    xsk_rx::XskRx, //
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::atomic::AtomicU32, //
};
use kernel::{
    irq::IrqReturn,
    prelude::*,
    types::Opaque, //
};
use rvirtio::VqHandler;

/// What the driver has for a pair of queues.
pub struct PairInit<T: Operations> {
    /// What a poll has to itself.
    pub rx: T::Rx,
    /// What the lock of the transmit queue guards.
    pub tx: T::Tx,
    /// What all can see.
    pub shared: T::Pair,
}

/// A receive queue, a transmit queue, and the NAPI that polls both.
///
/// Dereferences to what the driver shares of it.
///
/// # Invariants
///
/// - It does not move. `inner` is the device that it is part of, which outlives it.
/// - `napi` is registered with the device of `inner`. Its bit SCHED guards `rx`, `xdp`, `xsk` and the
///   allocation side of `pools`; while the NAPI is disabled, who holds the instance lock holds the bit.
/// - The instance lock guards `enabled`.
pub struct Pair<T: Operations> {
    napi: Opaque<bindings::napi_struct>,
    rx: UnsafeCell<ManuallyDrop<T::Rx>>,
    pools: ManuallyDrop<KVec<PagePool>>,
    xdp: UnsafeCell<Option<KBox<XdpQueue>>>,
    xsk: UnsafeCell<Option<XskRx>>,
    /// The length of the longest frame that fits in a buffer of a socket's memory; 0 without.
    pub(crate) xsk_frame_size: AtomicU32,
    pub(crate) tx: TxQueue<T::Tx>,
    pub(crate) dim: Dim,
    shared: T::Pair,
    inner: NonNull<Inner<T>>,
    index: u16,
    enabled: UnsafeCell<bool>,
}

// SAFETY: All that is not `Sync` is guarded; see the type invariant.
unsafe impl<T: Operations> Sync for Pair<T> {}
// SAFETY: All of it can be dropped by any thread.
unsafe impl<T: Operations> Send for Pair<T> {}

impl<T: Operations> Pair<T> {
    /// # Safety
    ///
    /// `inner` must be what the pair is to be part of. `tx` must be of the same device.
    /// Its NAPI must be registered once the pair is where it stays.
    pub(crate) unsafe fn new(
        rx: T::Rx,
        tx: TxQueue<T::Tx>,
        shared: T::Pair,
        inner: NonNull<Inner<T>>,
        index: u16,
    ) -> Self {
        Self {
            napi: Opaque::zeroed(),
            rx: UnsafeCell::new(ManuallyDrop::new(rx)),
            pools: ManuallyDrop::new(KVec::new()),
            xdp: UnsafeCell::new(None),
            xsk: UnsafeCell::new(None),
            xsk_frame_size: AtomicU32::new(0),
            tx,
            dim: Dim::new(),
            shared,
            inner,
            index,
            enabled: UnsafeCell::new(false),
        }
    }

    pub(crate) fn set_pools(&mut self, pools: KVec<PagePool>) {
        *self.pools = pools;
    }

    /// Finds the pair of a NAPI.
    ///
    /// # Safety
    ///
    /// `napi` must be the one of a `Pair<T>` that is there for `'a`.
    #[inline]
    pub(crate) unsafe fn of_napi<'a>(napi: *mut bindings::napi_struct) -> &'a Self {
        let napi: *const Opaque<bindings::napi_struct> = napi.cast();
        // SAFETY: The NAPI is the one of a pair that is there for `'a` (safety requirement).
        unsafe { &*kernel::container_of!(napi, Self, napi) }
    }

    #[inline]
    pub(crate) fn napi(&self) -> *mut bindings::napi_struct {
        self.napi.get()
    }

    /// Where the receive side is, for who has the right to it.
    #[inline]
    pub(crate) fn rx(&self) -> *mut T::Rx {
        // `ManuallyDrop` is a transparent wrapper.
        self.rx.get().cast()
    }

    /// Where it is what a program needs, for who has the right to the receive side.
    #[inline]
    pub(crate) fn xdp(&self) -> *mut Option<KBox<XdpQueue>> {
        self.xdp.get()
    }

    /// Where it is what the pair has of a socket's memory, for who has the right to the receive side.
    #[inline]
    pub(crate) fn xsk(&self) -> *mut Option<XskRx> {
        self.xsk.get()
    }

    #[inline]
    pub(crate) fn pools(&self) -> &[PagePool] {
        &self.pools
    }

    #[inline]
    pub(crate) fn dev(&self) -> *mut bindings::net_device {
        // SAFETY: The device outlives the pair (type invariant).
        unsafe { self.inner.as_ref() }.dev()
    }

    /// Whether the NAPI is enabled, for who holds the instance lock.
    pub(crate) fn enabled(&self) -> *mut bool {
        self.enabled.get()
    }

    /// Returns the number of the pair.
    #[inline]
    pub fn index(&self) -> u16 {
        self.index
    }

    /// Returns what the driver has for all of the device.
    #[inline]
    pub fn device(&self) -> &T::Device {
        // SAFETY: The device outlives the pair (type invariant).
        unsafe { self.inner.as_ref() }.data()
    }

    /// Returns the transmit side under its lock. Must not be called with bottom halves or
    /// interrupts off.
    #[doc(alias = "__netif_tx_lock_bh")]
    pub fn lock_tx(&self) -> TxGuard<'_, T> {
        TxGuard::lock_bh(self)
    }

    /// Has the pair polled soon. Must be called with bottom halves off, if not in a handler.
    #[doc(alias = "napi_schedule")]
    #[inline]
    pub fn schedule(&self) {
        let napi = self.napi();
        // SAFETY: The NAPI is registered (type invariant).
        unsafe {
            if bindings::napi_schedule_prep(napi) {
                bindings::__napi_schedule(napi);
            }
        }
    }

    /// First part of the end: drops what the driver has, so that nothing is in a virtqueue.
    ///
    /// # Safety
    ///
    /// The NAPI must be disabled, and nobody use the pair. It must be called once, with
    /// [`Pair::drop_pools`] next.
    pub(crate) unsafe fn drop_queues(&mut self) {
        // SAFETY: Nobody uses them, now or later, by the safety requirements.
        unsafe {
            ManuallyDrop::drop(self.rx.get_mut());
            ManuallyDrop::drop(self.tx.data_mut());
        }
    }

    /// Second part of the end: drops pools. The NAPI is still there.
    ///
    /// # Safety
    ///
    /// The NAPI must be disabled, and nobody use the pair. It must be called once, after
    /// [`Pair::drop_queues`].
    pub(crate) unsafe fn drop_pools(&mut self) {
        *self.xdp.get_mut() = None;
        *self.xsk.get_mut() = None;
        // SAFETY: They are dropped once, and nobody uses them, now or later (safety requirements).
        unsafe { ManuallyDrop::drop(&mut self.pools) }
    }
}

impl<T: Operations> core::ops::Deref for Pair<T> {
    type Target = T::Pair;

    #[inline]
    fn deref(&self) -> &T::Pair {
        &self.shared
    }
}

impl<T: Operations> VqHandler for Pair<T> {
    /// Schedules the poll. The queues are not touched: who polls them has them.
    #[doc(alias = "napi_schedule_irqoff")]
    #[inline]
    fn interrupt(&self) -> IrqReturn {
        let napi = self.napi();
        // SAFETY: The NAPI is registered (type invariant); interrupts are off in a handler.
        unsafe {
            if bindings::napi_schedule_prep(napi) {
                bindings::__napi_schedule_irqoff(napi);
            }
        }
        IrqReturn::Handled
    }
}
