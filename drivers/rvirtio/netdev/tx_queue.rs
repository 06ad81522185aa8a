// SPDX-License-Identifier: GPL-2.0

//! The transmit side of a pair, and the lock of the stack that guards it.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    bindings,
    helpers::*,
    operations::Operations,
    pair::Pair,
    xsk_tx::XskTx, //
};
use core::{
    cell::UnsafeCell,
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    }, //
};

/// The transmit side of a pair.
///
/// # Invariants
///
/// `raw` is a queue of a network device that is there until this is dropped. Its lock guards `data`
/// and `xsk`.
pub(crate) struct TxQueue<X> {
    raw: *mut bindings::netdev_queue,
    data: UnsafeCell<ManuallyDrop<X>>,
    xsk: UnsafeCell<Option<XskTx>>,
}

// SAFETY: `data` and `xsk` are guarded by a lock.
unsafe impl<X: Send> Sync for TxQueue<X> {}
// SAFETY: The queue is bound to no thread.
unsafe impl<X: Send> Send for TxQueue<X> {}

/// How the lock was taken.
#[derive(Clone, Copy)]
enum Lock {
    /// By the stack, which gives it back.
    Stack,
    /// With bottom halves off already.
    Plain,
    /// Together with bottom halves.
    BottomHalves,
}

/// The right to the transmit side of a pair: its lock is held.
///
/// Dereferences to the driver's data.
///
/// # Invariants
///
/// The lock of the queue is held until this is dropped.
#[doc(alias = "_xmit_lock")]
pub struct TxGuard<'a, T: Operations> {
    pair: &'a Pair<T>,
    lock: Lock,
}

impl<X> TxQueue<X> {
    /// # Safety
    ///
    /// `raw` must be a queue of a network device that outlives this. Nobody else may use its lock
    /// for data of theirs.
    pub(crate) unsafe fn new(raw: *mut bindings::netdev_queue, data: X) -> Self {
        // INVARIANT: The device outlives this, and nobody else uses its lock for data (safety
        // requirements).
        Self {
            raw,
            data: UnsafeCell::new(ManuallyDrop::new(data)),
            xsk: UnsafeCell::new(None),
        }
    }

    /// Where it is what the queue has of a socket's memory, for who holds the lock.
    #[inline]
    pub(crate) fn xsk(&self) -> *mut Option<XskTx> {
        self.xsk.get()
    }

    pub(crate) fn data_mut(&mut self) -> &mut ManuallyDrop<X> {
        self.data.get_mut()
    }

    /// # Safety
    ///
    /// Bottom halves must be off. `pair` must be the one that this is part of.
    #[inline]
    pub(crate) unsafe fn lock<'a, T: Operations<Tx = X>>(
        &'a self,
        pair: &'a Pair<T>,
    ) -> TxGuard<'a, T> {
        // SAFETY: `raw` is valid (type invariant).
        unsafe { rvirtio_helper_netif_tx_lock(self.raw) };
        // INVARIANT: It was just locked.
        TxGuard {
            pair,
            lock: Lock::Plain,
        }
    }

    #[inline]
    pub(crate) fn try_lock<'a, T: Operations<Tx = X>>(
        &'a self,
        pair: &'a Pair<T>,
    ) -> Option<TxGuard<'a, T>> {
        // SAFETY: `raw` is valid (type invariant).
        if !unsafe { rvirtio_helper_netif_tx_trylock(self.raw) } {
            return None;
        }
        // INVARIANT: It was just locked.
        Some(TxGuard {
            pair,
            lock: Lock::Plain,
        })
    }
}

impl<'a, T: Operations> TxGuard<'a, T> {
    /// Waits for the lock, in a thread.
    pub(crate) fn lock_bh(pair: &'a Pair<T>) -> Self {
        // SAFETY: The queue is valid (type invariant of `TxQueue`).
        unsafe { rvirtio_helper_netif_tx_lock_bh(pair.tx.raw) };
        // INVARIANT: It was just locked.
        Self {
            pair,
            lock: Lock::BottomHalves,
        }
    }

    /// # Safety
    ///
    /// The stack must hold the lock, and not give it back before the guard is dropped.
    #[inline]
    pub(crate) unsafe fn held_by_stack(pair: &'a Pair<T>) -> Self {
        // INVARIANT: The stack holds the lock for longer than the guard is there (safety requirement).
        Self {
            pair,
            lock: Lock::Stack,
        }
    }

    /// Returns the pair.
    #[inline]
    pub fn pair(&self) -> &'a Pair<T> {
        self.pair
    }

    fn raw(&self) -> *mut bindings::netdev_queue {
        self.pair.tx.raw
    }

    /// Counts a frame of `bytes` that the device gets, and returns whether to notify it now, for the
    /// one that sends it.
    #[doc(alias = "__netdev_tx_sent_queue")]
    #[inline]
    pub fn sent(&mut self, bytes: u32) -> bool {
        // SAFETY: The queue is valid (type invariant of `TxQueue`), and locked.
        unsafe { rvirtio_helper_netdev_tx_sent_queue(self.raw(), bytes) }
    }

    /// Returns whether more frames follow right after the one that is being sent.
    #[doc(alias = "netdev_xmit_more")]
    pub fn more_follow(&self) -> bool {
        // SAFETY: No requirements. Bottom halves are off, as the lock is held (type invariant).
        unsafe { rvirtio_helper_netdev_xmit_more() }
    }

    /// Says that the queue works, though nothing of the stack's is sent: it would take a queue that others
    /// fill for stuck.
    #[doc(alias = "txq_trans_cond_update")]
    #[inline]
    pub fn touch(&mut self) {
        // SAFETY: The queue is valid (type invariant of `TxQueue`), and locked.
        unsafe { rvirtio_helper_txq_trans_cond_update(self.raw()) }
    }

    /// Counts frames that the device is done with.
    #[doc(alias = "netdev_tx_completed_queue")]
    #[inline]
    pub fn completed(&mut self, packets: u32, bytes: u32) {
        // SAFETY: The queue is valid (type invariant of `TxQueue`), and locked.
        unsafe { rvirtio_helper_netdev_tx_completed_queue(self.raw(), packets, bytes) }
    }

    /// Forgets what was sent and not completed, as it was freed in another way.
    #[doc(alias = "netdev_tx_reset_queue")]
    pub fn reset_sent(&mut self) {
        // SAFETY: The queue is valid (type invariant of `TxQueue`), and locked.
        unsafe { rvirtio_helper_netdev_tx_reset_queue(self.raw()) }
    }

    /// Makes the stack pass no more frames until [`TxGuard::wake`].
    #[doc(alias = "netif_tx_stop_queue")]
    #[inline]
    pub fn stop(&mut self) {
        // SAFETY: The queue is valid (type invariant of `TxQueue`).
        unsafe { rvirtio_helper_netif_tx_stop_queue(self.raw()) }
    }

    /// Returns whether the stack passes no frames because of [`TxGuard::stop`].
    #[doc(alias = "netif_tx_queue_stopped")]
    #[inline]
    pub fn is_stopped(&self) -> bool {
        // SAFETY: The queue is valid (type invariant of `TxQueue`). All bits change atomically, and
        // this one only under the lock.
        let state = unsafe { (&raw const (*self.raw()).state).read_volatile() };
        state & 1 << bindings::netdev_queue_state_t___QUEUE_STATE_DRV_XOFF != 0
    }

    /// Makes the stack pass frames again, those that wait first.
    #[doc(alias = "netif_tx_wake_queue")]
    #[inline]
    pub fn wake(&mut self) {
        // SAFETY: The queue is valid (type invariant of `TxQueue`).
        unsafe { bindings::netif_tx_wake_queue(self.raw()) }
    }
}

impl<T: Operations> Deref for TxGuard<'_, T> {
    type Target = T::Tx;

    #[inline]
    fn deref(&self) -> &T::Tx {
        // SAFETY: The lock is held (type invariant).
        unsafe { &*self.pair.tx.data.get() }
    }
}

impl<T: Operations> DerefMut for TxGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T::Tx {
        // SAFETY: The lock is held (type invariant), and the guard exclusively borrowed.
        unsafe { &mut *self.pair.tx.data.get() }
    }
}

impl<T: Operations> Drop for TxGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The queue is valid, and its lock was taken in this way (type invariant).
        unsafe {
            match self.lock {
                Lock::Stack => (),
                Lock::Plain => rvirtio_helper_netif_tx_unlock(self.raw()),
                Lock::BottomHalves => rvirtio_helper_netif_tx_unlock_bh(self.raw()),
            }
        }
    }
}
