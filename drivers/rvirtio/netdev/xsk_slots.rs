// SPDX-License-Identifier: GPL-2.0

//! What a virtqueue has of a frame out of a socket's memory.

use crate::{
    tx_posted::TxPosted,
    xsk_tx::XskFrame, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use rvirtio::{
    dma::Buffer,
    Buffers,
    Dma,
    Out,
    Segment, //
};

/// The header that all frames of a queue have in common, which is all zeroes, and a frame.
pub(crate) struct XskSlot<'bound> {
    segments: [Segment; 2],
    id: u32,
    /// Where the header is.
    _header: Arc<Out<'bound>>,
}

/// A frame that was in a virtqueue.
pub struct XskSent<'bound>(pub(crate) KBox<XskSlot<'bound>>);

/// Memory for all frames that a queue can have.
pub struct XskSlots<'bound> {
    free: KVec<KBox<XskSlot<'bound>>>,
}

impl<'bound> XskSlots<'bound> {
    /// Allocates memory for `count` frames with headers of `header_len` bytes; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(dma: Dma<'bound>, header_len: u32, count: u16) -> Result<Self> {
        let header = Arc::new(Out(Buffer::new(dma, header_len)?), GFP_KERNEL)?;
        let segment = header.readable().next().ok_or(EINVAL)?;
        let mut free = KVec::with_capacity(count.into(), GFP_KERNEL)?;
        for _ in 0..count {
            let slot = XskSlot {
                segments: [segment; 2],
                id: 0,
                _header: header.clone(),
            };
            free.push(KBox::new(slot, GFP_KERNEL)?, GFP_KERNEL)?;
        }
        Ok(Self { free })
    }

    /// Makes a frame ready for the device.
    ///
    /// # Errors
    ///
    /// Gives the frame back if there is no memory left.
    pub fn prepare(&mut self, frame: XskFrame) -> Result<TxPosted<'bound>, XskFrame> {
        let Some(mut slot) = self.free.pop() else {
            return Err(frame);
        };
        let [_, to] = &mut slot.segments;
        *to = frame.segment();
        slot.id = frame.id();
        Ok(TxPosted::from_slot(slot))
    }

    /// Takes the frame out of what was in a virtqueue.
    pub fn finish(&mut self, sent: XskSent<'bound>) -> XskFrame {
        let slot = sent.0;
        let (segment, id) = (slot.segments[1], slot.id);
        // There is room: it was taken from here.
        let _ = self.free.push_within_capacity(slot);
        // SAFETY: These are the parts of the frame that the slot was made of by `prepare`, once.
        unsafe { XskFrame::from_parts(segment, id) }
    }
}

impl XskSlot<'_> {
    /// Returns header and frame as the device finds them.
    pub(crate) fn segments(&self) -> &[Segment] {
        &self.segments
    }
}
