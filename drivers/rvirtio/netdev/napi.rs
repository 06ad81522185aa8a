// SPDX-License-Identifier: GPL-2.0

//! Polling a pair of queues.
//!
//! C header: [`include/linux/netdevice.h`](srctree/include/linux/netdevice.h)

use crate::{
    bindings,
    operations::Operations,
    page_pool::Alloc,
    pair::Pair,
    rx_buf::RxBuf,
    rx_part::RxPart,
    skb_rx::RxSkb,
    tx_queue::TxGuard, //
};
use kernel::ffi::c_int;

/// The right to the receive side of a pair, in a poll.
///
/// The kernel calls a poll only from where the bit SCHED of the NAPI is held, which at most one
/// can, so that this right needs no lock.
///
/// # Invariants
///
/// There is at most one value at a time for a pair, and none while its NAPI is disabled. The code
/// that has it runs with bottom halves off.
pub struct Polled<'a, T: Operations> {
    pair: &'a Pair<T>,
    budget: u32,
}

/// Proof that a poll has ended in one of the two ways that there are.
pub struct Done(u32);

/// What a poll can do besides using its receive side.
pub struct Napi<'a, T: Operations> {
    pair: &'a Pair<T>,
}

/// Where buffers for frames to be received come from.
pub struct Pools<'a, T: Operations> {
    pair: &'a Pair<T>,
    how: Alloc,
}

impl<'a, T: Operations> Polled<'a, T> {
    /// # Safety
    ///
    /// As in the type invariant.
    #[inline]
    pub(crate) unsafe fn new(pair: &'a Pair<T>, budget: c_int) -> Self {
        // INVARIANT: The caller holds SCHED, in a poll of this NAPI.
        // CAST: It is 0 or more.
        Self {
            pair,
            budget: budget as u32,
        }
    }

    /// Returns how many frames may be received. If it is 0, only what was sent may be freed, and
    /// interrupts may be off.
    #[inline]
    pub fn budget(&self) -> u32 {
        self.budget
    }

    /// Returns the receive side, and what else the poll can do.
    #[inline]
    pub fn parts(&mut self) -> (&mut T::Rx, Napi<'_, T>) {
        // SAFETY: This value is the only one that gives access (type invariant), and is borrowed.
        let rx = unsafe { &mut *self.pair.rx() };
        (rx, Napi { pair: self.pair })
    }

    /// Returns the transmit side under its lock; `None` if the lock is taken and cannot be waited
    /// for.
    #[inline]
    pub fn tx(&self) -> Option<TxGuard<'_, T>> {
        if self.budget == 0 {
            // The holder could be what we interrupt.
            self.pair.tx.try_lock(self.pair)
        } else {
            // SAFETY: Bottom halves are off (type invariant).
            Some(unsafe { self.pair.tx.lock(self.pair) })
        }
    }

    /// Returns the pair.
    #[inline]
    pub fn pair(&self) -> &'a Pair<T> {
        self.pair
    }

    /// Ends the poll until there is an interrupt, after `received` frames. An interrupt that comes
    /// before this is not lost.
    #[doc(alias = "napi_complete_done")]
    #[inline]
    pub fn complete(self, received: u32) -> Done {
        // The kernel takes the full budget for a wish to go on.
        let received = received.min(self.budget.saturating_sub(1));
        // SAFETY: We are in a poll of this NAPI (type invariant), and give up the right.
        unsafe { bindings::napi_complete_done(self.pair.napi(), received as c_int) };
        Done(received)
    }

    /// Ends this turn. The poll is called again soon, as there is more to do.
    #[inline]
    pub fn again(self) -> Done {
        Done(self.budget)
    }
}

impl Done {
    /// What the kernel wants to know.
    #[inline]
    pub(crate) fn into_raw(self) -> c_int {
        self.0 as c_int
    }
}

impl<'a, T: Operations> Napi<'a, T> {
    /// Returns the pair.
    #[inline]
    pub fn pair(&self) -> &'a Pair<T> {
        self.pair
    }

    /// Returns the transmit side of the pair under its lock. Must not be called in a poll with a budget of
    /// 0, which could have interrupted who holds the lock.
    #[inline]
    pub fn tx(&mut self) -> TxGuard<'a, T> {
        // SAFETY: There is such a value in a poll only, where bottom halves are off.
        unsafe { self.pair.tx.lock(self.pair) }
    }

    /// Returns the source of new buffers, which does not sleep.
    #[inline]
    pub fn pools(&mut self) -> Pools<'_, T> {
        Pools {
            pair: self.pair,
            how: Alloc::Atomic,
        }
    }

    /// Returns a new frame of the bytes of `buf` from `offset` on, `len` of them. `None` if there
    /// are not so many, or no memory.
    #[inline]
    pub fn copied(&mut self, buf: &RxBuf, offset: u32, len: u32) -> Option<RxSkb> {
        // SAFETY: There is such a value in a poll only.
        unsafe { RxSkb::copied(self.pair.napi(), buf, offset, len) }
    }

    /// Returns the frame of the bytes of `buf` from `offset` on, `len` of them, in place, and what
    /// is left of the buffer, if that is `least` bytes or more.
    ///
    /// # Errors
    ///
    /// Gives the buffer back if it is too small to have
    /// [`SHARED_INFO_SIZE`](crate::SHARED_INFO_SIZE) bytes behind the frame, if it is mapped, or if
    /// there is no memory.
    #[inline]
    pub fn around(
        &mut self,
        buf: RxBuf,
        offset: u32,
        len: u32,
        least: u32,
    ) -> Result<(RxSkb, Option<RxBuf>), RxBuf> {
        RxSkb::around(buf, offset, len, least)
    }

    /// Adds the bytes of `part` from `offset` on, `len` of them, to the end of `skb`. `false` if
    /// there are not so many, or no memory.
    #[inline]
    pub fn add(&mut self, skb: &mut RxSkb, part: RxPart, offset: u32, len: u32) -> bool {
        // SAFETY: There is such a value in a poll only.
        unsafe { skb.add(self.pair.napi(), part, offset, len) }
    }

    /// Passes a frame to the stack. Its Ethernet header must be linear, otherwise it is dropped.
    #[doc(alias = "napi_gro_receive")]
    #[inline]
    pub fn receive(&mut self, mut skb: RxSkb) {
        if skb.linear().len() < 14 {
            return;
        }
        skb.record_queue(self.pair.index());
        let (napi, dev) = (self.pair.napi(), self.pair.dev());
        let raw = skb.into_raw();
        // SAFETY: The frame is ours to pass on, and has an Ethernet header. We are in a poll of this
        // NAPI.
        unsafe {
            (*crate::skb::headers(raw)).protocol = bindings::eth_type_trans(raw, dev);
            bindings::gro_receive_skb(&raw mut (*napi).gro, raw);
        }
    }
}

impl<'a, T: Operations> Pools<'a, T> {
    /// # Safety
    ///
    /// The NAPI of `pair` must be disabled, and nobody else be allocating from its pools.
    pub(crate) unsafe fn sleeping(pair: &'a Pair<T>) -> Self {
        Self {
            pair,
            how: Alloc::Sleep,
        }
    }

    /// Returns the pair.
    #[inline]
    pub fn pair(&self) -> &'a Pair<T> {
        self.pair
    }

    /// Takes a whole page of the pool number `index`.
    #[inline]
    pub fn alloc(&mut self, index: usize) -> Option<RxBuf> {
        let pool = self.pair.pools().get(index)?;
        // SAFETY: Only who has the right to the receive side has such a value; see `Polled` and
        // `Pools::sleeping`.
        unsafe { pool.alloc(self.how) }
    }
}
