// SPDX-License-Identifier: GPL-2.0

//! Hardware queues, each of which has a virtqueue for its requests.
//!
//! A CPU that submits requests takes the lock of the queue once for all of them, and notifies the
//! device after it has released the lock. The interrupt handler takes the lock once for all used
//! requests that it finds, and ends them after it has released the lock.

mod late;
pub(crate) mod submit;
mod used;

use crate::{
    lengths::Lengths,
    request::{
        Prepared,
        Request, //
    }, //
};
use kernel::{
    device::Bound,
    prelude::*,
    sync::Arc, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    ring::Snapshot,
    virtqueue::exchange::EXTRA_DESCRIPTORS,
    Device,
    Start, //
};

/// The virtqueue of a hardware queue.
pub(crate) type Virtqueue<'bound> = rvirtio::Virtqueue<'bound, Prepared<'bound>>;

/// The context of a hardware queue in the block layer.
pub(crate) type HwContext<'a, 'bound> = blk_mq::HwContext<'a, HwQueue<'bound>>;

/// A hardware queue. It is aligned to a cache line, because each queue is used by different CPUs.
#[pin_data]
#[repr(align(64))]
pub(crate) struct HwQueue<'bound> {
    /// Protects the virtqueue. This is the innermost lock of the driver, and is taken in
    /// interrupts.
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    dev: &'bound Device<Bound>,
    /// Whether the lengths that the device reports are reliable.
    lengths: Arc<Lengths<'bound>>,
    config: QueueConfig,
}

/// The configuration of a hardware queue.
#[derive(Clone, Copy)]
pub(crate) struct QueueConfig {
    /// The largest number of data segments of a request.
    pub(crate) max_segments: u16,
    /// Whether the device does not interrupt for the queue.
    pub(crate) polled: bool,
}

struct State<'bound> {
    vq: Virtqueue<'bound>,
    attention: Attention,
}

/// What there is to do when a request is removed from the virtqueue: [`STOPPED`], [`KICKED`]. One
/// number, so that one comparison shows that there is nothing.
struct Attention(u8);

/// The block layer was told to stop until requests have completed.
const STOPPED: u8 = 1;

/// The device was notified a second time, as a request was late that it may not have seen.
const KICKED: u8 = 2;

impl<'bound> HwQueue<'bound> {
    /// Creates a hardware queue.
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        vq: Virtqueue<'bound>,
        lengths: Arc<Lengths<'bound>>,
        config: QueueConfig,
    ) -> impl PinInit<Self, Error> + 'bound {
        let state = State {
            vq,
            attention: Attention(0),
        };
        try_pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_blk::HwQueue::state"),
            dev,
            lengths,
            config,
        }? Error)
    }

    /// Returns the number of descriptors.
    pub(crate) fn size(&self) -> u16 {
        self.state.lock().vq.size()
    }

    /// Replaces the ring with one of `size` descriptors. There must be no requests in flight.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the ring would be too small for the largest request, whose table must not be
    /// longer than the queue, and those of
    /// [`QueueHandle::ring`](rvirtio::virtqueue::QueueHandle::ring) and
    /// [`QueueHandle::reset`](rvirtio::virtqueue::QueueHandle::reset).
    #[doc(alias = "virtqueue_resize")]
    pub(crate) fn resize(&self, size: u16) -> Result {
        let handle = self.state.lock().vq.handle();
        if handle.capacity(size) < self.config.max_segments + EXTRA_DESCRIPTORS {
            return Err(EINVAL);
        }
        let mut ring = handle.ring(size)?;
        handle.reset(|start| {
            let mut state = self.state.lock();
            start.enable_with(&mut state.vq, &mut ring)?;
            self.silence(&mut state);
            Ok(())
        })
    }

    /// Returns whether the device does not interrupt for the queue.
    pub(crate) fn is_polled(&self) -> bool {
        self.config.polled
    }

    /// Enables the queue.
    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        let mut state = self.state.lock();
        start.enable(&mut state.vq)?;
        self.silence(&mut state);
        Ok(())
    }

    /// Returns what the ring looks like now.
    pub(crate) fn snapshot(&self) -> Snapshot {
        self.state.lock().vq.snapshot()
    }

    /// Disables the callbacks of a new ring if the queue is polled.
    fn silence(&self, state: &mut State<'bound>) {
        if self.is_polled() {
            state.vq.disable_cb();
        }
    }
}

impl Attention {
    /// Does what there is to do because `rq` was removed from the virtqueue: restarts the hardware
    /// queue if it is stopped.
    #[inline]
    fn removed(&mut self, dev: &Device<Bound>, rq: &Request<'_>) {
        if self.0 != 0 {
            self.attend(dev, rq);
        }
    }

    #[cold]
    fn attend(&mut self, dev: &Device<Bound>, rq: &Request<'_>) {
        if self.0 & KICKED != 0 {
            dev.counters().lost_notifications.add(1);
        }
        if self.0 & STOPPED != 0 {
            rq.restart_hw_queue();
        }
        self.0 = 0;
    }
}
