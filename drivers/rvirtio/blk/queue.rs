// SPDX-License-Identifier: GPL-2.0

//! Hardware queues: a virtqueue each, which requests go through.
//!
//! A CPU that submits takes the queue's lock once for all requests that it has, and notifies the
//! device when it has released the lock. The interrupt handler takes it once for all requests
//! that it finds used, and ends them when it has released it.

use crate::{
    module_parameters,
    request::{
        header,
        verdict,
        Command,
        CommandSlab,
        EXTRA_DESCRIPTORS, //
    },
    sysfs::{
        CacheType,
        DiskData,
        RingSize,
        Serial, //
    },
    verdict::{
        Verdict,
        NOT_WRITTEN, //
    },
};
use blk_mq::{
    Batch,
    BlkStatus,
    Busy,
    CompletionBatch,
    HwContext,
    Operations,
    Position,
    Request,
    RequestList, //
};
use core::{
    marker::PhantomData,
    mem,
    sync::atomic::{
        AtomicBool,
        Ordering, //
    }, //
};
use kernel::{
    device::Bound,
    prelude::*,
    sync::SetOnce, //
};
use rvirtio::{
    lock::IrqSaveLock,
    new_irq_save_lock,
    virtqueue::More,
    AddError,
    Device,
    Dma,
    Kick,
    Stopped,
    Used,
    Virtqueue,
    VqHandler, //
};

/// The block driver's operations on a device that is bound for `'bound`.
pub(crate) struct Ops<'bound>(PhantomData<fn(&'bound ()) -> &'bound ()>);

/// A hardware queue. On cache lines of its own, as each is used by other CPUs.
#[pin_data]
#[repr(align(64))]
pub(crate) struct HwQueue<'bound> {
    /// Innermost lock; taken in interrupts.
    #[pin]
    state: IrqSaveLock<State<'bound>>,
    dev: &'bound Device<Bound>,
    dma: Dma<'bound>,
    /// Where the memory of requests in flight comes from.
    commands: SetOnce<CommandSource<'bound>>,
    /// The device left out part of what it should have written, and we said so.
    short_reported: AtomicBool,
}

/// Where the memory of requests in flight comes from.
struct CommandSource<'bound> {
    slab: Pin<&'bound CommandSlab<'bound>>,
    max_segments: u16,
}

struct State<'bound> {
    vq: Virtqueue<'bound, Request<Ops<'bound>>>,
    /// The block layer was told to wait until requests complete.
    stopped: bool,
}

impl<'bound> HwQueue<'bound> {
    /// Creates a hardware queue.
    pub(crate) fn new(
        vq: Virtqueue<'bound, Request<Ops<'bound>>>,
        dev: &'bound Device<Bound>,
        dma: Dma<'bound>,
    ) -> impl PinInit<Self> {
        let state = State { vq, stopped: false };
        pin_init!(Self {
            state <- new_irq_save_lock!(state, "rvirtio_blk::HwQueue::state"),
            dev,
            dma,
            commands: SetOnce::new(),
            short_reported: AtomicBool::new(false),
        })
    }

    /// Says where the memory of requests in flight comes from, with room for `max_segments`
    /// segments of data each. To be called once, before tags are created.
    pub(crate) fn set_slab(&self, slab: Pin<&'bound CommandSlab<'bound>>, max_segments: u16) {
        let source = CommandSource { slab, max_segments };
        self.commands.populate(source);
    }

    fn new_command(&self) -> Result<Command<'bound>> {
        let source = self.commands.as_ref().ok_or(EINVAL)?;
        Command::new(source.slab.get_ref(), self.dma, source.max_segments)
    }

    /// Number of descriptors.
    pub(crate) fn size(&self) -> u16 {
        self.state.lock().vq.size()
    }

    /// Number of descriptors that requests can have together.
    pub(crate) fn descriptors(&self) -> u16 {
        self.state.lock().vq.capacity()
    }

    /// How many requests the queue takes.
    ///
    /// Without descriptor tables that depends on the requests; like C, this takes them to be
    /// small. When larger ones fill the queue, the block layer is stopped.
    pub(crate) fn capacity(&self) -> u16 {
        let vq = &self.state.lock().vq;
        if vq.has_indirect() {
            vq.capacity()
        } else {
            vq.capacity() / 2
        }
    }

    /// Replaces the ring by one of `size` descriptors. No request may be in flight.
    ///
    /// # Errors
    ///
    /// `EINVAL` for a size that is too small for requests, whose tables must not be longer than
    /// the queue, and those of [`rvirtio::virtqueue::Place::resize`].
    #[doc(alias = "virtqueue_resize")]
    pub(crate) fn resize(&self, size: u16) -> Result {
        let place = self.state.lock().vq.place();
        let max_segments = self.commands.as_ref().ok_or(EINVAL)?.max_segments;
        if place.capacity(size) < max_segments + EXTRA_DESCRIPTORS {
            return Err(EINVAL);
        }
        let old = place.resize(size, |new| mem::replace(&mut self.state.lock().vq, new))?;
        // Were there any, they would end with an error.
        old.for_each(drop);
        Ok(())
    }

    /// Says whether the device broke the rules of the queue, so that requests may never end.
    pub(crate) fn is_broken(&self) -> bool {
        self.state.lock().vq.is_broken()
    }

    /// Ends all requests that a device which was stopped did not end, and all that are to come.
    pub(crate) fn fail_all(&self, stopped: &Stopped<'_>) {
        let mut failed = RequestList::new();
        {
            let mut state = self.state.lock();
            while let Some(rq) = state.vq.detach_unused(stopped) {
                state.restart(&rq);
                failed.push_back(rq);
            }
        }
        while let Some(rq) = failed.pop_front() {
            rq.complete(BlkStatus::IoError);
        }
    }

    /// Returns how to end a request that the device has used.
    #[inline]
    fn status(&self, rq: &Request<Ops<'bound>>, written: u32) -> BlkStatus {
        match verdict(rq, written) {
            Verdict::Success => BlkStatus::Ok,
            Verdict::Short => self.short(rq, written),
            Verdict::Unsupported => BlkStatus::NotSupported,
            Verdict::Failure => BlkStatus::IoError,
        }
    }

    /// Decides about a request that the device says has succeeded, and of whose data it says
    /// that it wrote only a part. What the rest holds, nobody knows.
    #[cold]
    fn short(&self, rq: &Request<Ops<'bound>>, written: u32) -> BlkStatus {
        let allowed = module_parameters::allow_short_used.value();
        if !self.short_reported.swap(true, Ordering::Relaxed) {
            let len = rq.data_len();
            let what = if allowed { "allowed" } else { "refused" };
            dev_warn!(
                self.dev,
                "device wrote {written} bytes of a {:?} of {len} bytes, which is {what}: \
                 see module parameter allow_short_used\n",
                rq.op()
            );
        }
        if allowed {
            BlkStatus::Ok
        } else {
            BlkStatus::IoError
        }
    }
}

impl<'bound> State<'bound> {
    /// Has the block layer pass requests again, now that `rq` has left the queue.
    #[inline]
    fn restart(&mut self, rq: &Request<Ops<'bound>>) {
        if self.stopped {
            self.stopped = false;
            rq.restart_hw_queue();
        }
    }
}

#[vtable]
impl<'bound> Operations for Ops<'bound> {
    type HwQueue = HwQueue<'bound>;
    type Command = Command<'bound>;
    type DiskData = DiskData<'bound>;
    type Attributes = (Serial, CacheType, RingSize);

    fn new_command(hwq: &HwQueue<'bound>) -> impl PinInit<Command<'bound>, Error> {
        hwq.new_command()
    }

    #[doc(alias = "virtio_queue_rq")]
    // The callback that C calls is nothing but this.
    #[inline(always)]
    fn queue_rq(
        hctx: HwContext<'_, Self>,
        mut rq: Request<Self>,
        position: Position,
    ) -> Result<(), Busy<Self>> {
        let refused = match header(&rq).map(|header| rq.prepare(header, NOT_WRITTEN)) {
            Some(Ok(())) => None,
            Some(Err(error)) if error == ENOMEM => {
                let status = BlkStatus::Resource;
                return Err(Busy { rq, status });
            }
            Some(Err(_)) => Some(BlkStatus::IoError),
            None => Some(BlkStatus::NotSupported),
        };
        if let Some(status) = refused {
            rq.end(status);
            if position == Position::Last {
                // Those before it were left for the last one to notify of.
                Self::commit_rqs(hctx);
            }
            return Ok(());
        }

        let mut state = hctx.state.lock();
        let result = state.vq.add(rq);
        let kick = if result.is_err() || position == Position::Last {
            state.vq.kick_prepare()
        } else {
            None
        };
        let full = matches!(&result, Err(rejected) if rejected.error == AddError::Full);
        if full {
            // Under the lock, so that the handler can not have missed it.
            state.stopped = true;
            hctx.stop();
        }
        drop(state);
        notify(kick);

        match result {
            Ok(()) => Ok(()),
            Err(rejected) if full => Err(Busy {
                rq: rejected.value,
                status: BlkStatus::DevResource,
            }),
            Err(rejected) => {
                rejected.value.end(BlkStatus::IoError);
                Ok(())
            }
        }
    }

    #[doc(alias = "virtio_queue_rqs")]
    fn queue_rqs(hctx: HwContext<'_, Self>, batch: &mut Batch<'_, Self>) {
        let mut ready = RequestList::new();
        for mut rq in batch {
            match header(&rq) {
                None => rq.end(BlkStatus::NotSupported),
                Some(header) => match rq.prepare(header, NOT_WRITTEN) {
                    Ok(()) => ready.push_back(rq),
                    Err(_) => rq.requeue(),
                },
            }
        }

        let mut rejected = RequestList::new();
        let mut state = hctx.state.lock();
        while let Some(rq) = ready.pop_front() {
            if let Err(refusal) = state.vq.add(rq) {
                rejected.push_back(refusal.value);
            }
        }
        let kick = state.vq.kick_prepare();
        drop(state);
        notify(kick);

        // They come again one by one, and meet their fate in `queue_rq`.
        while let Some(rq) = rejected.pop_front() {
            rq.requeue();
        }
    }

    #[doc(alias = "virtio_commit_rqs")]
    fn commit_rqs(hctx: HwContext<'_, Self>) {
        let kick = hctx.state.lock().vq.kick_prepare();
        notify(kick);
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
    /// Requests are ended before the device is asked for the next interrupt: what it uses in the
    /// meantime is taken along, and an interrupt less is needed. That goes on for as long as there
    /// are requests that were in flight at the beginning, so that it has an end even if other CPUs
    /// always submit new ones.
    #[doc(alias = "virtblk_done")]
    fn interrupt(&self) {
        // Declared first: what it holds is ended after the lock is released.
        let mut done = CompletionBatch::new();
        let mut state = self.state.lock();
        let mut awaited = state.vq.in_flight();
        state.vq.disable_cb();
        loop {
            if let Some(Used { data: rq, written }) = state.vq.pop_used() {
                state.restart(&rq);
                let status = self.status(&rq, written);
                done.complete(rq, status);
                awaited = awaited.saturating_sub(1);
                // After the last one there is no need to look.
                if state.vq.in_flight() > 0 {
                    continue;
                }
            } else if awaited > 0 && !done.is_empty() {
                drop(state);
                done.end();
                state = self.state.lock();
                continue;
            }
            if state.vq.enable_cb() == More::Nothing {
                break;
            }
            state.vq.disable_cb();
        }
    }
}
