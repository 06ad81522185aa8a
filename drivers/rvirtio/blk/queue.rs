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
        is_idempotent,
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
    RequestList,
    TimedOut,
    Timeout, //
};
use kernel::{
    device::Bound,
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
    Device,
    IrqReturn,
    Kick,
    Start,
    Stopped,
    Used,
    VqHandler,
    Why, //
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
    /// The largest number of data segments of a request.
    max_segments: u16,
}

struct State<'bound> {
    vq: Virtqueue<'bound>,
    /// What there is to do when a request is removed from the virtqueue: [`STOPPED`], [`KICKED`]. One
    /// field, so that one comparison shows that there is nothing.
    attention: u8,
}

/// The block layer was told to stop until requests have completed.
const STOPPED: u8 = 1;

/// The device was notified a second time, as a request was late.
const KICKED: u8 = 2;

/// The number of times that the device may have a request which it does not complete.
const ATTEMPTS: u32 = 3;

impl<'bound> HwQueue<'bound> {
    /// Creates a hardware queue for requests with data of up to `max_segments` segments.
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        vq: Virtqueue<'bound>,
        lengths: Arc<Lengths<'bound>>,
        max_segments: u16,
    ) -> impl PinInit<Self, Error> + 'bound {
        let state = State { vq, attention: 0 };
        try_pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_blk::HwQueue::state"),
            dev,
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

    /// Ends the requests that the device has completed, and takes back the others. These are
    /// repeated if it is started again, and end otherwise.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) {
        // A device may complete requests before it confirms the reset.
        self.interrupt();
        let mut taken = RequestList::new();
        {
            let mut state = self.state.lock();
            // Whatever completes from here on does so for another reason.
            state.attention &= !KICKED;
            while let Some(rq) = state.vq.detach_unused(stopped) {
                state.removed(self.dev, &rq);
                taken.push_back(Request::from(rq));
            }
        }
        while let Some(rq) = taken.pop_front() {
            self.repeat(rq, stopped.why());
        }
    }

    /// Repeats a request that was taken back for `why`, or ends it.
    fn repeat(&self, rq: Request<'bound>, why: Why) {
        let requeues = &self.dev.counters().requeues;
        let result = match why {
            Why::End | Why::QueueReset => Err(rq),
            _ if !is_idempotent(rq.op()) => Err(rq),
            Why::Recovery => rq.retry(ATTEMPTS),
            // The device has not failed, so this is not an attempt.
            Why::Suspend | Why::Reset => {
                rq.requeue();
                Ok(())
            }
        };
        match result {
            Ok(()) => requeues.add(1),
            Err(rq) => rq.complete(BlkStatus::IoError),
        }
    }

    /// Handles a request that is late: looks for it, as its interrupt may be lost; then notifies the
    /// device again, as the notification may be lost; then has the device reset.
    pub(crate) fn timeout(&self, late: &TimedOut<'_>) -> Timeout {
        let counters = self.dev.counters();
        self.interrupt();
        if late.is_completed() {
            counters.lost_interrupts.add(1);
            return Timeout::Completed;
        }
        if late.was_extended() {
            self.dev.request_reset();
            return Timeout::Wait;
        }
        counters.timeouts.add(1);
        let kick = {
            let mut state = self.state.lock();
            state.attention |= KICKED;
            state.vq.kick_again()
        };
        notify(kick);
        Timeout::Extend
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
    /// Those of [`header`] and [`blk_mq::Request::prepare`].
    #[inline(always)]
    pub(crate) fn prepare(&self, rq: Request<'bound>) -> Result<Prepared<'bound>, Refused<'bound>> {
        rq.prepare(NOT_WRITTEN, |rq, op| {
            let header = header(rq, op)?;
            let is_read = op == Op::Read;
            let blank = is_read.then(|| self.lengths.prepare(rq)).flatten();
            Ok((*header.as_bytes(), blank))
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
    /// Does what there is to do because `rq` was removed from the virtqueue: restarts the hardware
    /// queue if it is stopped.
    #[inline]
    fn removed(&mut self, dev: &Device<Bound>, rq: &Request<'bound>) {
        if self.attention != 0 {
            self.attend(dev, rq);
        }
    }

    #[cold]
    fn attend(&mut self, dev: &Device<Bound>, rq: &Request<'bound>) {
        if self.attention & KICKED != 0 {
            dev.counters().lost_notifications.add(1);
        }
        if self.attention & STOPPED != 0 {
            rq.restart_hw_queue();
        }
        self.attention = 0;
    }
}

/// Adds a request to the virtqueue. The device is only notified if `position` is the last one, or
/// the request could not be added.
///
/// # Errors
///
/// [`BlkStatus::Resource`] if the queue is full, which is then stopped until requests have
/// completed, or if the device is about to be reset; [`BlkStatus::IoError`] if it is dead, or the
/// virtqueue cannot take the request at all.
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
        state.attention |= STOPPED;
        hctx.stop();
    }
    drop(state);
    notify(kick);

    result.map_err(|rejected| Refused {
        rq: rejected.value.into(),
        status: match rejected.error {
            AddError::Full => BlkStatus::Resource,
            AddError::Broken if !hctx.dev.is_dead() => BlkStatus::Resource,
            _ => BlkStatus::IoError,
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
                state.removed(self.dev, &rq);
                let mut rq = rq.into();
                match self.status(&mut rq, written) {
                    Some(status) => done.complete(rq, status),
                    None => rq.requeue(),
                }
            },
        )
    }
}
