// SPDX-License-Identifier: GPL-2.0

//! The rings that the queues of a device have, and which others they can have.

use core::sync::atomic::{
    AtomicU16,
    Ordering, //
};
use kernel::prelude::*;
use netdev::{
    ExtAck,
    RingSizes, //
};
use rvirtio::{
    virtqueue::QueueHandle,
    Buffers,
    Dma,
    Virtqueue, //
};

/// The ring of a queue.
pub(crate) struct Ring<'bound> {
    pub(crate) handle: QueueHandle<'bound>,
    /// The number of its descriptors. Set with the instance lock held.
    size: AtomicU16,
    /// How many have to be in use together for it to work.
    least: u16,
}

/// The rings of all pairs.
pub(crate) struct Rings<'bound> {
    /// Receive and transmit queue.
    pub(crate) pairs: KVec<[Ring<'bound>; 2]>,
    pub(crate) dma: Dma<'bound>,
}

impl<'bound> Rings<'bound> {
    /// Creates a list without rings, for a device whose memory `dma` is for.
    pub(crate) fn new(dma: Dma<'bound>) -> Self {
        Self {
            pairs: KVec::new(),
            dma,
        }
    }

    /// Adds those of the next pair.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub(crate) fn add(&mut self, rx: Ring<'bound>, tx: Ring<'bound>) -> Result {
        Ok(self.pairs.push([rx, tx], GFP_KERNEL)?)
    }

    /// Returns whether the device can reset single queues.
    pub(crate) fn can_reset(&self) -> bool {
        let mut all = self.pairs.iter().flatten();
        all.all(|ring| ring.handle.has_reset())
    }

    /// Returns the largest sizes, and the ones that all rings have: those of the smallest, as they differ
    /// if the device has failed while they were set.
    #[doc(alias = "virtnet_get_ringparam")]
    pub(crate) fn sizes(&self) -> (RingSizes, RingSizes) {
        let least = |of: fn(&Ring<'_>) -> u16| {
            let side = |index: usize| {
                let rings = self.pairs.iter().filter_map(move |pair| pair.get(index));
                rings.map(of).min().unwrap_or(0)
            };
            RingSizes {
                rx: side(0),
                tx: side(1),
            }
        };
        (
            least(|ring| ring.handle.max_size()),
            least(|ring| ring.size()),
        )
    }
}

impl<'bound> Ring<'bound> {
    /// Remembers the ring of `vq`, of whose descriptors `least` have to be in use together.
    pub(crate) fn new<T: Buffers>(vq: &Virtqueue<'bound, T>, least: u16) -> Self {
        let (handle, size) = (vq.handle(), vq.size());
        Self {
            handle,
            size: AtomicU16::new(size),
            // The ring that the device has at first is good enough.
            least: least.min(handle.capacity(size)),
        }
    }

    pub(crate) fn size(&self) -> u16 {
        self.size.load(Ordering::Relaxed)
    }

    pub(crate) fn set_size(&self, size: u16) {
        self.size.store(size, Ordering::Relaxed);
    }

    /// Says why the ring cannot have `size` descriptors.
    ///
    /// # Errors
    ///
    /// [`EOPNOTSUPP`] if the device cannot reset a queue, [`EINVAL`] if the ring would not work.
    pub(crate) fn check(&self, size: u16, ack: &mut ExtAck<'_>) -> Result {
        if size == self.size() {
            return Ok(());
        }
        let (error, why) = if !self.handle.has_reset() {
            (
                EOPNOTSUPP,
                c"the device cannot reset single queues (RING_RESET)",
            )
        } else if self.handle.capacity(size) < self.least {
            (EINVAL, c"too few descriptors for the largest frame")
        } else if !self.handle.can_have(size) {
            (EINVAL, c"the size of a split ring is a power of two")
        } else {
            return Ok(());
        };
        ack.say(why);
        Err(error)
    }
}
