// SPDX-License-Identifier: GPL-2.0

//! Hardware queues: a virtqueue each, which requests go through.
//!
//! A CPU that submits takes the queue's lock once for all requests that it has, and notifies the
//! device when it has released the lock. The interrupt handler takes it once for all requests
//! that it finds used, and ends them when it has released it.

use crate::{
    completion::{
        Completion,
        NOT_WRITTEN, //
    },
    lengths::Lengths,
    request::{
        data_in,
        header,
        Prepared,
        Refused,
        Request, //
    }, //
};
use blk_mq::{
    BlkStatus,
    CompletionBatch,
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

/// A hardware queue as the block layer sees it.
pub(crate) type HwContext<'a, 'bound> = blk_mq::HwContext<'a, HwQueue<'bound>>;

/// A hardware queue. On cache lines of its own, as each is used by other CPUs.
#[pin_data]
#[repr(align(64))]
pub(crate) struct HwQueue<'bound> {
    /// Innermost lock; taken in interrupts.
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    /// What the lengths are worth that the device reports.
    lengths: Arc<Lengths<'bound>>,
    /// The largest number of segments that the data of a request has.
    max_segments: u16,
}

struct State<'bound> {
    vq: Virtqueue<'bound>,
    /// The block layer was told to wait until requests complete.
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

    /// Replaces the ring by one of `size` descriptors. No request may be in flight.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a size that is too small for requests, whose tables must not be longer than
    /// the queue, and those of [`QueueHandle::ring`](rvirtio::virtqueue::QueueHandle::ring) and
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

    /// Tells the device about the queue.
    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        start.enable(&mut self.state.lock().vq)
    }

    /// Ends all requests that a device which was stopped did not end.
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

    /// Shows all new requests to the device.
    #[inline]
    pub(crate) fn commit(&self) {
        let kick = self.state.lock().vq.kick_prepare();
        notify(kick);
    }

    /// Gets a request ready for the device.
    ///
    /// # Errors
    ///
    /// [`BlkStatus::NotSupported`] for one that the device does not have, and those of
    /// [`blk_mq::Request::prepare`].
    // Its result would go through memory, which costs as much as the header.
    #[inline(always)]
    pub(crate) fn prepare(
        &self,
        mut rq: Request<'bound>,
    ) -> Result<Prepared<'bound>, Refused<'bound>> {
        match header(&rq) {
            Some(header) => {
                let blank = self.lengths.prepare(&mut rq);
                rq.prepare(*header.as_bytes(), NOT_WRITTEN, blank)
            }
            None => Err(Refused {
                rq,
                status: BlkStatus::NotSupported,
            }),
        }
    }

    /// Returns how to end a request that the device has used, or `None` if it is to be done again.
    #[inline]
    fn status(&self, rq: &mut Request<'bound>, written: u32) -> Option<BlkStatus> {
        match Completion::of(rq.device_status(), written, data_in(rq)) {
            Completion::Ok if rq.note().is_none() => Some(BlkStatus::Ok),
            Completion::Ok | Completion::Short => self.lengths.judge(rq, written),
            Completion::Unsupported => Some(BlkStatus::NotSupported),
            Completion::Failed => Some(BlkStatus::IoError),
        }
    }
}

impl<'bound> State<'bound> {
    /// Has the block layer pass requests again, now that `rq` has left the queue.
    #[inline]
    fn restart(&mut self, rq: &Request<'bound>) {
        if self.stopped {
            self.stopped = false;
            rq.restart_hw_queue();
        }
    }
}

/// Gives a request to the device, which has to be told at once only if it is the last for now.
///
/// # Errors
///
/// [`BlkStatus::DevResource`] when the queue is full; then no more requests come until some have
/// completed. [`BlkStatus::IoError`] when it never takes the request.
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
        // Under the lock, so that the handler cannot have missed it.
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

/// Gives requests to the device. Those that it does not take now come again one by one.
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

/// Notifies the device if that is due.
#[inline]
fn notify(kick: Option<Kick<'_>>) {
    if let Some(kick) = kick {
        kick.notify();
    }
}

impl VqHandler for HwQueue<'_> {
    /// Requests are ended without the lock, before the device is asked for the next interrupt.
    #[doc(alias = "virtblk_done")]
    fn interrupt(&self) -> IrqReturn {
        drain(
            &self.state,
            |state| &mut state.vq,
            // What is left in it is ended when it is dropped, after the lock is released.
            &mut CompletionBatch::new(),
            |state, done, Used { data: rq, written }| {
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
