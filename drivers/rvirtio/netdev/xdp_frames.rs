// SPDX-License-Identifier: GPL-2.0

//! Frames that programs of other devices, or of this one, want to have sent.
//!
//! C header: [`include/net/xdp.h`](srctree/include/net/xdp.h)

use crate::{
    bindings,
    operations::Operations,
    pair::Pair,
    skb_tx::TxSkb,
    tx_queue::TxGuard, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings::xdp_frame,
    cpu::CpuId, //
};

/// The length of what `eth_type_trans` takes off.
const ETHERNET_HEADER: u32 = 14;

/// Frames that are to be sent, in their order, which the iterator returns as socket buffers. Those that it
/// has not returned stay the caller's.
///
/// # Invariants
///
/// `frames` are the frames from number `taken` on that the stack has passed to the device `dev`, and nobody
/// else has these. Bottom halves are off as long as this is there.
#[doc(alias = "xdp_frame")]
pub struct XdpFrames<'a> {
    dev: *mut bindings::net_device,
    frames: &'a [*mut xdp_frame],
    taken: usize,
    /// It stays on its processor.
    _no_send: PhantomData<*mut ()>,
}

impl<'a> XdpFrames<'a> {
    /// # Safety
    ///
    /// `frames` must be frames that the caller has and gives up as far as they are returned, to be sent by
    /// the device `dev`. Bottom halves must be off.
    pub(crate) unsafe fn new(dev: *mut bindings::net_device, frames: &'a [*mut xdp_frame]) -> Self {
        // INVARIANT: These are the safety requirements.
        Self {
            dev,
            frames,
            taken: 0,
            _no_send: PhantomData,
        }
    }

    /// Returns how many were returned.
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// Returns the transmit side of a pair under its lock.
    pub fn lock<'p, T: Operations>(&self, pair: &'p Pair<T>) -> TxGuard<'p, T> {
        // SAFETY: Bottom halves are off (type invariant). `pair` is what its transmit side is part of.
        unsafe { pair.tx.lock(pair) }
    }

    /// Returns the number of the processor, which this stays on.
    pub fn cpu(&self) -> u32 {
        CpuId::current().as_u32()
    }
}

impl Iterator for XdpFrames<'_> {
    type Item = TxSkb;

    /// Returns the next frame; `None` after the last one, or without memory.
    #[doc(alias = "xdp_build_skb_from_frame")]
    fn next(&mut self) -> Option<TxSkb> {
        let (&frame, rest) = self.frames.split_first()?;
        // SAFETY: It is a frame that this has (type invariant). If there is no memory, it still has it.
        let raw = NonNull::new(unsafe { bindings::xdp_build_skb_from_frame(frame, self.dev) })?;
        // INVARIANT: The frame is the socket buffer's now.
        self.frames = rest;
        self.taken = self.taken.wrapping_add(1);
        // SAFETY: It was just built, and nobody else has it. Its Ethernet header was just taken off.
        unsafe {
            let skb = raw.as_ptr();
            (*skb).data = (*skb).data.sub(ETHERNET_HEADER as usize);
            (*skb).len = (*skb).len.wrapping_add(ETHERNET_HEADER);
            Some(TxSkb::from_raw(raw))
        }
    }
}
