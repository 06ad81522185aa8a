// SPDX-License-Identifier: GPL-2.0

//! The transmit side of a pair that sends out of the memory of a socket.
//!
//! C header: [`include/net/xdp_sock_drv.h`](srctree/include/net/xdp_sock_drv.h)

use crate::{
    bindings,
    helpers::*,
    operations::Operations,
    tx_queue::TxGuard, //
};
use core::ptr::NonNull;
use rvirtio::Segment;

/// What the transmit side of a pair has of a socket's memory.
///
/// # Invariants
///
/// - `raw` is the pool of a socket that is bound to the pair, with its memory mapped for the device. It is
///   there until this is dropped.
/// - `out` is the number of frames that were taken and not reported as completed, or more.
/// - No other `XskTx` ever has the number `id`.
pub(crate) struct XskTx {
    raw: NonNull<bindings::xsk_buff_pool>,
    id: u32,
    out: u32,
}

// SAFETY: A pool is bound to no thread: whoever has the lock of the queue uses it.
unsafe impl Send for XskTx {}

/// A frame that a socket wants to have sent.
///
/// # Invariants
///
/// It is counted as one that is out in the `XskTx` number `id`, if that is there, and the device finds it at
/// `segment` as long as it is out.
pub struct XskFrame {
    segment: Segment,
    id: u32,
}

/// A number of frames of a socket that are to be reported to it.
///
/// # Invariants
///
/// `count` frames of the `XskTx` number `id` are out that there are no values for any more.
#[derive(Default)]
pub struct XskDone {
    id: u32,
    count: u32,
}

impl XskTx {
    /// # Safety
    ///
    /// As in the type invariant.
    pub(crate) unsafe fn new(raw: NonNull<bindings::xsk_buff_pool>, id: u32) -> Self {
        // INVARIANT: These are the safety requirements. No frames were taken.
        Self { raw, id, out: 0 }
    }

    /// Returns how many frames are out.
    pub(crate) fn out(&self) -> u32 {
        self.out
    }

    /// Reports frames that were sent, or will not be.
    fn complete(&mut self, done: XskDone) {
        if done.id != self.id || done.count == 0 {
            return;
        }
        // INVARIANT: They are not out any more.
        self.out = self.out.wrapping_sub(done.count);
        // SAFETY: The pool is there (type invariant). So many were taken and not reported yet.
        unsafe { rvirtio_helper_xsk_tx_completed(self.raw.as_ptr(), done.count) }
    }
}

impl XskFrame {
    /// Returns the frame as the device finds it.
    pub(crate) fn segment(&self) -> Segment {
        self.segment
    }

    /// Returns the number of the `XskTx` that it is of.
    pub(crate) fn id(&self) -> u32 {
        self.id
    }

    /// # Safety
    ///
    /// `segment` and `id` must be those of a frame, and there be no other value for it.
    pub(crate) unsafe fn from_parts(segment: Segment, id: u32) -> Self {
        // INVARIANT: They were those of such a value.
        Self { segment, id }
    }

    /// Returns its length in bytes.
    #[allow(clippy::len_without_is_empty)]
    pub fn len(&self) -> u32 {
        self.segment.len
    }
}

impl XskDone {
    /// Adds a frame.
    pub fn add(&mut self, frame: XskFrame) {
        if self.count == 0 {
            self.id = frame.id;
        }
        if self.id == frame.id {
            // INVARIANT: It is out, and was the only value for it.
            self.count = self.count.wrapping_add(1);
        }
    }

    /// Returns whether there are none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<T: Operations> TxGuard<'_, T> {
    fn xsk(&mut self) -> Option<&mut XskTx> {
        // SAFETY: The lock is held (type invariant), and the guard exclusively borrowed.
        unsafe { (*self.pair().tx.xsk()).as_mut() }
    }

    /// Has frames sent out of a socket's memory from now on, or not any more. Returns what there was.
    pub(crate) fn replace_xsk(&mut self, xsk: Option<XskTx>) -> Option<XskTx> {
        // SAFETY: The lock is held (type invariant), and the guard exclusively borrowed.
        unsafe { core::mem::replace(&mut *self.pair().tx.xsk(), xsk) }
    }

    /// Returns whether a socket is bound to the pair.
    #[inline]
    pub fn has_xsk(&self) -> bool {
        // SAFETY: The lock is held (type invariant).
        unsafe { (*self.pair().tx.xsk()).is_some() }
    }

    /// Returns how many frames of a socket are in the queue.
    pub fn xsk_in_flight(&mut self) -> u32 {
        self.xsk().map_or(0, |xsk| xsk.out)
    }

    /// Takes up to `max` frames that the socket wants to have sent, and passes them to `add`. One that it gives
    /// back, and all after that, are reported to the socket as if they had been sent. Returns how many were
    /// taken. Bottom halves are off; interrupts must be on.
    #[doc(alias = "xsk_tx_peek_release_desc_batch")]
    pub fn xsk_send(
        &mut self,
        max: u32,
        mut add: impl FnMut(&mut Self, XskFrame) -> Result<(), XskFrame>,
    ) -> u32 {
        let Some(&mut XskTx { raw, id, .. }) = self.xsk() else {
            return 0;
        };
        // SAFETY: The pool is there (type invariant), and its frames are only taken with this lock held.
        let count = unsafe { rvirtio_helper_xsk_tx_peek(raw.as_ptr(), max) };
        if let Some(xsk) = self.xsk() {
            // INVARIANT: They were just taken.
            xsk.out = xsk.out.wrapping_add(count);
        }
        let mut unsent = XskDone::default();
        for index in 0..count {
            let mut segment = Segment { addr: 0, len: 0 };
            // SAFETY: So many were just taken, and the kernel has checked that they are within the memory,
            // which is mapped.
            unsafe {
                let (addr, len) = (&raw mut segment.addr, &raw mut segment.len);
                rvirtio_helper_xsk_tx_desc(raw.as_ptr(), index, addr, len);
            }
            // INVARIANT: It is counted as one that is out, and the device finds it there.
            let frame = XskFrame { segment, id };
            let added = match unsent.is_empty() {
                true => add(self, frame),
                false => Err(frame),
            };
            if let Err(frame) = added {
                unsent.add(frame);
            }
        }
        self.xsk_completed(unsent);
        count
    }

    /// Reports frames to the socket that they are of.
    #[doc(alias = "xsk_tx_completed")]
    pub fn xsk_completed(&mut self, done: XskDone) {
        if let Some(xsk) = self.xsk() {
            xsk.complete(done);
        }
    }

    /// Tells user space to say so when it wants to have more frames sent.
    #[doc(alias = "xsk_set_tx_need_wakeup")]
    pub fn xsk_wants_wakeup(&mut self) {
        if let Some(xsk) = self.xsk() {
            // SAFETY: The pool is there (type invariant).
            unsafe { rvirtio_helper_xsk_set_tx_need_wakeup(xsk.raw.as_ptr()) }
        }
    }
}
