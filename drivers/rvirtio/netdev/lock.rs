// SPDX-License-Identifier: GPL-2.0

//! The lock of the control path.
//!
//! C header: [`include/net/netdev_lock.h`](srctree/include/net/netdev_lock.h)

use crate::{
    bindings,
    helpers::*,
    inner::{
        Inner,
        Phase, //
    },
    napi::Pools,
    operations::Operations,
    pair::Pair, //
};

/// The right to the control path of a device: its instance lock is held.
///
/// # Invariants
///
/// The lock is held until this is dropped, and there is no other such value for the device.
#[doc(alias = "netdev_lock")]
pub struct Held<'a, T: Operations> {
    inner: &'a Inner<T>,
    unlock: bool,
}

impl<'a, T: Operations> Held<'a, T> {
    /// # Safety
    ///
    /// The instance lock must be held, and be given back by whoever took it after the value is
    /// dropped, or by that if `unlock`.
    pub(crate) unsafe fn new(inner: &'a Inner<T>, unlock: bool) -> Self {
        // SAFETY: It is a network device (type invariant of `Inner`).
        unsafe { rvirtio_helper_netdev_assert_locked(inner.dev()) };
        // INVARIANT: The caller makes sure that the lock is held, and for how long.
        Self { inner, unlock }
    }

    /// Returns what the driver has for all of the device.
    pub fn data(&self) -> &'a T::Device {
        self.inner.data()
    }

    pub(crate) fn is_physical(&self) -> bool {
        self.inner.is_physical()
    }

    pub(crate) fn dev(&self) -> *mut bindings::net_device {
        self.inner.dev()
    }

    /// Returns the pairs of queues.
    pub fn pairs(&self) -> &'a [Pair<T>] {
        self.inner.pairs()
    }

    /// Returns the receive side of pair `index`, and where it gets buffers from. `None` while it is
    /// polled, or if there is no such pair.
    pub fn rx(&mut self, index: usize) -> Option<(&mut T::Rx, Pools<'_, T>)> {
        let pair = self.inner.pairs().get(index)?;
        // SAFETY: The instance lock is held (type invariant).
        if unsafe { *pair.enabled() } {
            return None;
        }
        // SAFETY: The NAPI is disabled, so that who holds the lock has the receive side and the
        // pools (type invariant of `Pair`), and this is borrowed exclusively.
        Some(unsafe { (&mut *pair.rx(), Pools::sleeping(pair)) })
    }

    /// Has pair `index` polled, at once and then whenever it interrupts. Does nothing if it is
    /// polled.
    #[doc(alias = "napi_enable")]
    pub fn resume(&mut self, index: usize) {
        let Some(pair) = self.inner.pairs().get(index) else {
            return;
        };
        let napi = pair.napi();
        // SAFETY: The instance lock is held (type invariant). The NAPI is registered, and was not
        // enabled.
        unsafe {
            if core::mem::replace(&mut *pair.enabled(), true) {
                return;
            }
            bindings::napi_enable_locked(napi);
            self.set_napi(pair, napi);
            rvirtio_helper_napi_schedule_bh(napi);
        }
    }

    /// Waits until pair `index` is not polled, and has it stay so. May sleep.
    #[doc(alias = "napi_disable")]
    pub fn pause(&mut self, index: usize) {
        let Some(pair) = self.inner.pairs().get(index) else {
            return;
        };
        // SAFETY: The instance lock is held (type invariant). The NAPI is registered, and enabled.
        unsafe {
            if !core::mem::replace(&mut *pair.enabled(), false) {
                return;
            }
            self.set_napi(pair, core::ptr::null_mut());
            bindings::napi_disable_locked(pair.napi());
        }
        pair.cancel_dim();
    }

    /// Returns whether the device is open.
    #[doc(alias = "netif_running")]
    pub fn is_open(&self) -> bool {
        // SAFETY: It is a network device (type invariant of `Inner`). Bits change atomically, and this one
        // only with the instance lock held, which it is (type invariant).
        let state = unsafe { (&raw const (*self.inner.dev()).state).read_volatile() };
        state & 1 << bindings::netdev_state_t___LINK_STATE_START != 0
    }

    /// Says whether there is a link. Of no effect on a device that is being removed: the stack would
    /// look at the link later.
    #[doc(alias = "netif_carrier_on")]
    #[doc(alias = "netif_carrier_off")]
    pub fn set_carrier(&mut self, on: bool) {
        let dev = self.inner.dev();
        // SAFETY: The instance lock is held (type invariant), so the device is not unregistered
        // meanwhile.
        unsafe {
            match (*self.inner.phase(), on) {
                (Phase::Gone, _) => (),
                (_, true) => bindings::netif_carrier_on(dev),
                (_, false) => bindings::netif_carrier_off(dev),
            }
        }
    }

    /// Goes from one phase to another. Returns whether it was in that.
    pub(crate) fn advance(&mut self, from: Phase, to: Phase) -> bool {
        // SAFETY: The instance lock is held (type invariant), which guards it.
        let phase = unsafe { &mut *self.inner.phase() };
        let advances = *phase == from;
        if advances {
            *phase = to;
        }
        advances
    }

    /// Pauses all pairs.
    pub fn pause_all(&mut self) {
        for index in 0..self.inner.pairs().len() {
            self.pause(index);
        }
    }

    /// Tells user space which NAPI polls the queues of a pair.
    fn set_napi(&self, pair: &Pair<T>, napi: *mut bindings::napi_struct) {
        for kind in [
            bindings::netdev_queue_type_NETDEV_QUEUE_TYPE_RX,
            bindings::netdev_queue_type_NETDEV_QUEUE_TYPE_TX,
        ] {
            let index = pair.index().into();
            // SAFETY: The instance lock is held (type invariant), and there is such a queue.
            unsafe { bindings::netif_queue_set_napi(self.inner.dev(), index, kind, napi) };
        }
    }
}

impl<T: Operations> Drop for Held<'_, T> {
    fn drop(&mut self) {
        if self.unlock {
            // SAFETY: The lock is held (type invariant).
            unsafe { rvirtio_helper_netdev_unlock(self.inner.dev()) }
        }
    }
}
