// SPDX-License-Identifier: GPL-2.0

//! Hardware queues, each of which has a virtqueue for its requests.
//!
//! A CPU that submits requests takes the lock of the queue once for all of them, and notifies the
//! device after it has released the lock. The interrupt handler takes the lock once for all used
//! requests that it finds, and ends them after it has released the lock.

use crate::{
    completion::{
        Completion,
        NOT_WRITTEN, //
    },
    lengths::Lengths,
    request::{
        header,
        reports_all,
        Prepared,
        Refused,
        Request, //
    }, //
};
use blk_mq::{
    BlkStatus,
    CompletionBatch,
    Op,
    Position,
    RequestList, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    virtqueue::{
        drain,
        exchange::EXTRA_DESCRIPTORS, //
    },
    AddError,
    IrqReturn,
    Kick,
    Start,
    Stopped,
    Used,
    VqHandler, //
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
    /// Whether the lengths that the device reports are reliable.
    lengths: Arc<Lengths<'bound>>,
    /// The largest number of data segments of a request.
    max_segments: u16,
}

struct State<'bound> {
    vq: Virtqueue<'bound>,
    /// Whether the block layer was told to stop until requests have completed.
    stopped: bool,
}

impl<'bound> HwQueue<'bound> {
    /// Creates a hardware queue for requests with data of up to `max_segments` segments.
    pub(crate) fn new(
        vq: Virtqueue<'bound>,
        lengths: Arc<Lengths<'bound>>,
        max_segments: u16,
    ) -> impl PinInit<Self, Error> + 'bound {
        let state = State { vq, stopped: false };
        try_pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_blk::HwQueue::state"),
            lengths,
            max_segments,
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
        if handle.capacity(size) < self.max_segments + EXTRA_DESCRIPTORS {
            return Err(EINVAL);
        }
        let mut ring = handle.ring(size)?;
        handle.reset(|start| start.enable_with(&mut self.state.lock().vq, &mut ring))
    }

    /// Enables the queue.
    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        start.enable(&mut self.state.lock().vq)
    }

    /// Ends all requests that the device had not completed when it was stopped.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) {
        let mut failed = RequestList::new();
        {
            let mut state = self.state.lock();
            while let Some(rq) = state.vq.detach_unused(stopped) {
                state.restart(&rq);
                failed.push_back(Request::from(rq));
            }
        }
        while let Some(rq) = failed.pop_front() {
            rq.complete(BlkStatus::IoError);
        }
    }

    /// Notifies the device of all new requests, if necessary.
    #[inline]
    pub(crate) fn commit(&self) {
        let kick = self.state.lock().vq.kick_prepare();
        notify(kick);
    }

    /// Prepares a request for the device.
    ///
    /// # Errors
    ///
    /// Those of [`blk_mq::Request::prepare`].
    #[inline(always)]
    pub(crate) fn prepare(&self, rq: Request<'bound>) -> Result<Prepared<'bound>, Refused<'bound>> {
        rq.prepare(NOT_WRITTEN, |rq, op| {
            let header = header(op, rq.sector())?;
            let is_read = op == Op::Read;
            let blank = is_read.then(|| self.lengths.prepare(rq)).flatten();
            Some((*header.as_bytes(), blank))
        })
    }

    /// Returns the status of a request that the device has used, or `None` if it has to be
    /// repeated.
    #[inline]
    fn status(&self, rq: &mut Request<'bound>, written: u32) -> Option<BlkStatus> {
        match Completion::of(rq.device_status()) {
            Completion::Ok if rq.note().is_none() && reports_all(rq, written) => {
                Some(BlkStatus::Ok)
            }
            Completion::Ok => self.lengths.judge(rq, written),
            Completion::Unsupported => Some(BlkStatus::NotSupported),
            Completion::Failed => Some(BlkStatus::IoError),
        }
    }
}

impl<'bound> State<'bound> {
    /// Restarts the hardware queue if it is stopped, because `rq` was removed from the virtqueue.
    #[inline]
    fn restart(&mut self, rq: &Request<'bound>) {
        if self.stopped {
            self.stopped = false;
            rq.restart_hw_queue();
        }
    }
}

/// Adds a request to the virtqueue. The device is only notified if `position` is the last one, or
/// the request could not be added.
///
/// # Errors
///
/// [`BlkStatus::DevResource`] if the queue is full; it is then stopped until requests have
/// completed. [`BlkStatus::IoError`] if the virtqueue cannot take the request at all.
#[inline(always)]
pub(crate) fn submit<'bound>(
    hctx: HwContext<'_, 'bound>,
    rq: Prepared<'bound>,
    position: Position,
) -> Result<(), Refused<'bound>> {
    let mut state = hctx.state.lock();
    let result = state.vq.add(rq);
    let kick = if result.is_err() || position == Position::Last {
        state.vq.kick_prepare()
    } else {
        None
    };
    let full = matches!(&result, Err(rejected) if rejected.error == AddError::Full);
    if full {
        // With the lock held, so that the interrupt handler cannot miss it.
        state.stopped = true;
        hctx.stop();
    }
    drop(state);
    notify(kick);

    result.map_err(|rejected| Refused {
        rq: rejected.value.into(),
        status: if full {
            BlkStatus::DevResource
        } else {
            BlkStatus::IoError
        },
    })
}

/// Adds requests to the virtqueue, and notifies the device. Those that do not fit are requeued.
pub(crate) fn submit_all<'bound>(
    hctx: HwContext<'_, 'bound>,
    mut prepared: RequestList<Prepared<'bound>>,
) {
    let mut rejected = RequestList::new();
    let mut state = hctx.state.lock();
    while let Some(rq) = prepared.pop_front() {
        if let Err(rejection) = state.vq.add(rq) {
            rejected.push_back(Request::from(rejection.value));
        }
    }
    let kick = state.vq.kick_prepare();
    drop(state);
    notify(kick);

    while let Some(rq) = rejected.pop_front() {
        rq.requeue();
    }
}

/// Notifies the device, if necessary.
#[inline]
fn notify(kick: Option<Kick<'_>>) {
    if let Some(kick) = kick {
        kick.notify();
    }
}

impl VqHandler for HwQueue<'_> {
    /// Ends used requests, without the lock held, before it enables the next interrupt.
    #[doc(alias = "virtblk_done")]
    fn interrupt(&self) -> IrqReturn {
        drain(
            &self.state,
            |state| &mut state.vq,
            // Requests that are left in the batch end when it is dropped, after the lock is
            // released.
            &mut CompletionBatch::new(),
            |state,
             done,
             Used {
                 data: rq, written, ..
             }| {
                state.restart(&rq);
                let mut rq = rq.into();
                match self.status(&mut rq, written) {
                    Some(status) => done.complete(rq, status),
                    None => rq.requeue(),
                }
            },
        )
    }
}
