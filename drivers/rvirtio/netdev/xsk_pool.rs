// SPDX-License-Identifier: GPL-2.0

//! The memory of a socket (AF_XDP) that is received into and sent from without copies, and binding it to a
//! pair.
//!
//! C header: [`include/net/xsk_buff_pool.h`](srctree/include/net/xsk_buff_pool.h)

use crate::{
    bindings,
    helpers::*,
    lock::Held,
    operations::Operations,
    phys::page_to_phys,
    xsk_rx::XskRx,
    xsk_tx::XskTx, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        Ordering, //
    }, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

/// The memory that a socket wants to lend to a pair.
///
/// # Invariants
///
/// `raw` is a pool that is there for `'a`, and until the network device is told that it is to be given up, for
/// which `ndo_bpf` calls [`Held::xsk_unbind`] whatever a driver does.
#[doc(alias = "xsk_buff_pool")]
pub struct XskPool<'a> {
    raw: NonNull<bindings::xsk_buff_pool>,
    _call: PhantomData<&'a ()>,
}

/// The number of the last pool that was bound to any pair.
static LAST: AtomicU32 = AtomicU32::new(0);

/// Whether memory that was bound to a pair could be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unbound {
    /// It could, or there was none.
    Free,
    /// The device may still use it, so that its pages and mappings stay for ever.
    Leaked,
}

impl XskPool<'_> {
    /// # Safety
    ///
    /// As in the type invariant.
    pub(crate) unsafe fn new(raw: NonNull<bindings::xsk_buff_pool>) -> Self {
        // INVARIANT: This is the safety requirement.
        Self {
            raw,
            _call: PhantomData,
        }
    }

    pub(crate) fn as_ptr(&self) -> NonNull<bindings::xsk_buff_pool> {
        self.raw
    }

    /// Returns the length of the longest frame that fits in a buffer, in bytes.
    #[doc(alias = "xsk_pool_get_rx_frame_size")]
    pub fn frame_size(&self) -> u32 {
        // SAFETY: The pool is there (type invariant).
        unsafe { rvirtio_helper_xsk_pool_get_rx_frame_size(self.raw.as_ptr()) }
    }

    /// Returns the room for a header before a frame, in bytes.
    #[doc(alias = "xsk_pool_get_headroom")]
    pub fn headroom(&self) -> u32 {
        // What users add is before it.
        bindings::RVIRTIO_XDP_PACKET_HEADROOM
    }
}

impl<T: Operations> Held<'_, T> {
    /// Pauses pair `index`, and lets it have the memory of a socket. Devices write headers of `header_len`
    /// bytes before frames. May sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`]; [`EBUSY`] if it has some; [`EINVAL`] for a pair that is not there, or if header or
    /// frame do not fit; [`EOPNOTSUPP`] if the device uses physical addresses, and would find the memory elsewhere.
    #[doc(alias = "xsk_pool_dma_map")]
    pub fn xsk_bind(&mut self, index: usize, pool: &XskPool<'_>, header_len: u32) -> Result {
        let pair = self.pairs().get(index).ok_or(EINVAL)?;
        self.pause(index);
        // SAFETY: The NAPI is disabled, so that who holds the lock has the receive side.
        if unsafe { (*pair.xsk()).is_some() } {
            return Err(EBUSY);
        }
        if header_len > pool.headroom() || pool.frame_size() == 0 {
            return Err(EINVAL);
        }
        let next = |last: u32| last.checked_add(1);
        let id = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
        // It was not used before, as numbers do not wrap.
        let id = id.map_err(|_| ENOMEM)?.wrapping_add(1);
        let raw = pool.as_ptr();
        self.map(raw)?;
        // SAFETY: The memory was just mapped, and is until `xsk_unbind`, which drops the value before the pool
        // is gone. Device and NAPI are those of the pair, and outlive it. The number was just made, and the
        // length was checked.
        let rx = unsafe {
            let queue = (self.dev(), pair.index());
            XskRx::new(pool, id, header_len, queue, pair.napi())
        };
        let rx = match rx {
            Ok(rx) => rx,
            Err(error) => {
                // SAFETY: It was just mapped, and nobody was told of it.
                unsafe { rvirtio_helper_xsk_pool_dma_unmap(raw.as_ptr()) };
                return Err(error);
            }
        };
        let size = rx.frame_size();
        pair.xsk_frame_size.store(size, Ordering::Relaxed);
        // SAFETY: The NAPI is disabled, so that who holds the lock has the receive side. The rest is as above.
        let tx = unsafe {
            *pair.xsk() = Some(rx);
            XskTx::new(raw, id)
        };
        pair.lock_tx().replace_xsk(Some(tx));
        Ok(())
    }

    /// Pauses pair `index` and takes the memory of a socket away from it, if it has some, of which nothing
    /// should be in a queue any more. May sleep.
    #[doc(alias = "xsk_pool_dma_unmap")]
    pub fn xsk_unbind(&mut self, index: usize) -> Unbound {
        if self.xsk_frame_size(index).is_none() {
            // A pair that works is not paused for nothing.
            return Unbound::Free;
        }
        self.pause(index);
        let Some(pair) = self.pairs().get(index) else {
            return Unbound::Free;
        };
        // SAFETY: The NAPI is disabled, so that who holds the lock has the receive side.
        let rx = unsafe { (*pair.xsk()).take() };
        let tx = pair.lock_tx().replace_xsk(None);
        pair.xsk_frame_size.store(0, Ordering::Relaxed);
        let Some(rx) = rx else {
            return Unbound::Free;
        };
        let pool = rx.as_ptr();
        if rx.out() == 0 && tx.is_none_or(|tx| tx.out() == 0) {
            // SAFETY: The pool is there until this returns, and was mapped. The device has none of it, as
            // nothing is out.
            unsafe { rvirtio_helper_xsk_pool_dma_unmap(pool.as_ptr()) };
            return Unbound::Free;
        }
        // SAFETY: The pool is there until this returns.
        unsafe {
            for page in 0..rvirtio_helper_xsk_pool_count_pages(pool.as_ptr()) {
                rvirtio_helper_xsk_pool_keep_page(pool.as_ptr(), page);
            }
        }
        Unbound::Leaked
    }

    /// Returns the length of the longest frame that fits in a buffer of pair `index`, in bytes, if it receives
    /// into the memory of a socket.
    pub fn xsk_frame_size(&self, index: usize) -> Option<u32> {
        let pair = self.pairs().get(index)?;
        let size = pair.xsk_frame_size.load(Ordering::Relaxed);
        (size != 0).then_some(size)
    }

    /// Maps memory for the device.
    fn map(&self, raw: NonNull<bindings::xsk_buff_pool>) -> Result {
        let raw = raw.as_ptr();
        // SAFETY: The pool is there. The parent of the network device is the one that knows of DMA, and is
        // bound.
        to_result(unsafe { rvirtio_helper_xsk_pool_dma_map(raw, (*self.dev()).dev.parent) })?;
        if !self.is_physical() {
            return Ok(());
        }
        // SAFETY: The pool was just mapped, so that it has so many pages and addresses.
        let same = unsafe {
            (0..rvirtio_helper_xsk_pool_count_pages(raw)).all(|page| {
                let addr = rvirtio_helper_xsk_pool_get_page_dma(raw, page);
                addr == page_to_phys(rvirtio_helper_xsk_pool_get_page(raw, page))
            })
        };
        if same {
            return Ok(());
        }
        // SAFETY: It was just mapped, and nobody was told of it.
        unsafe { rvirtio_helper_xsk_pool_dma_unmap(raw) };
        Err(EOPNOTSUPP)
    }
}
