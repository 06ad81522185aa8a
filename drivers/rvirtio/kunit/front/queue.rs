// SPDX-License-Identifier: GPL-2.0

//! A queue of the front end for tests.

use super::record::FRONT;
use core::sync::atomic::Ordering::Relaxed;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use rvirtio::{
    init::Configured,
    lock::IrqSaveLock,
    new_irq_save_lock,
    virtqueue::{
        drain,
        QueueHandle, //
    },
    Buffer,
    In,
    IrqReturn,
    Start,
    Stopped,
    Virtqueue,
    VqHandler, //
};

/// What is tried while a queue is reset.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    Nothing,
    /// Another reset of the queue.
    Nested,
    /// Another reset of the queue, by another thread.
    Beside,
    /// Exchanging the ring a second time.
    Twice,
    /// Exchanging the ring of another queue.
    Other,
    /// Leaving it.
    Failure,
    /// Taking back the buffers, which is then not asked of the driver.
    Reclaim,
}

/// How many buffers a queue has.
pub(crate) const BUFFERS: usize = 8;

#[pin_data]
pub(crate) struct Queue<'bound> {
    index: u16,
    handle: QueueHandle<'bound>,
    device: Arc<mock::Device>,
    #[pin]
    state: IrqSaveLock<State<'bound>>,
}

struct State<'bound> {
    vq: Virtqueue<'bound, In<'bound>>,
    /// The buffers that are not in the queue.
    idle: KVec<Buffer<'bound>>,
    received: usize,
}

impl State<'_> {
    /// Adds up to `count` buffers. Returns how many the queue took.
    fn add(&mut self, count: usize) -> usize {
        let mut added = 0;
        while added < count {
            let Some(buffer) = self.idle.pop() else { break };
            if let Err(rejected) = self.vq.add(In(buffer)) {
                let _ = self.idle.push_within_capacity(rejected.value.0);
                break;
            }
            added += 1;
        }
        added
    }
}

impl<'bound> Queue<'bound> {
    pub(crate) fn new(
        init: &Configured<'bound>,
        index: u16,
        device: Arc<mock::Device>,
    ) -> Result<impl PinInit<Self, Error> + 'bound> {
        let vq: Virtqueue<'bound, In<'bound>> = init.virtqueue(index, BUFFERS as u16)?;
        let handle = vq.handle();
        let mut idle = KVec::with_capacity(BUFFERS, GFP_KERNEL)?;
        for _ in 0..BUFFERS {
            idle.push(Buffer::new(init.dma(), 64)?, GFP_KERNEL)?;
        }
        let state = State {
            vq,
            idle,
            received: 0,
        };
        Ok(try_pin_init!(Self {
            index,
            handle,
            device,
            state <- new_irq_save_lock!(state, "rvirtio_kunit::Queue"),
        }? Error))
    }

    pub(crate) fn start(&self, start: &mut Start<'_>) -> Result {
        let mut state = self.state.lock();
        FRONT.early_adds.fetch_add(state.add(1), Relaxed);
        start.enable(&mut state.vq)?;
        if FRONT.fills.load(Relaxed) {
            state.add(BUFFERS);
            if let Some(kick) = state.vq.kick_prepare() {
                FRONT.early_kicks.fetch_add(1, Relaxed);
                kick.notify();
            }
        }
        Ok(())
    }

    /// Takes back what the proof is good for. Returns how many buffers that are.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) -> usize {
        let mut state = self.state.lock();
        let mut count = 0;
        if FRONT.keeps.load(Relaxed) {
            return count;
        }
        while let Some(In(buffer)) = state.vq.detach_unused(stopped) {
            let _ = state.idle.push_within_capacity(buffer);
            count += 1;
        }
        count
    }

    pub(crate) fn add(&self, count: usize) -> Result<usize> {
        let (added, kick) = {
            let mut state = self.state.lock();
            let added = state.add(count);
            (added, state.vq.kick_prepare())
        };
        if let Some(kick) = kick {
            kick.notify();
        }
        if added == 0 && count > 0 {
            return Err(EIO);
        }
        Ok(added)
    }

    /// Notifies the device of buffers that were added before it was running.
    pub(crate) fn kick(&self) {
        let kick = self.state.lock().vq.kick_again();
        if let Some(kick) = kick {
            kick.notify();
        }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.state.lock().vq.in_flight().into()
    }

    pub(crate) fn received(&self) -> usize {
        self.state.lock().received
    }

    pub(crate) fn size(&self) -> usize {
        self.state.lock().vq.size().into()
    }

    /// Lets the device use buffers while the handler is at work, between any two looks of it at the
    /// queue. They come without an interrupt.
    fn let_time_pass(&self) {
        match FRONT.delay.load(Relaxed).checked_sub(1) {
            Some(delay) => FRONT.delay.store(delay, Relaxed),
            None => {
                let count = FRONT.meanwhile.swap(0, Relaxed);
                self.device.use_buffers(self.index, count);
            }
        }
    }

    /// Resets the queue, and leaves it at that.
    pub(crate) fn reset(&self) -> Result {
        self.handle.reset(|_| Ok(()))
    }

    /// Exchanges the ring for one of `size`.
    pub(crate) fn resize(&self, size: u16, within: Within, other: &Queue<'bound>) -> Result {
        let mut ring = self.handle.ring(size)?;
        let mut another = self.handle.ring(size)?;
        let mut of_other = other.handle.ring(size)?;
        if within == Within::Reclaim {
            return self.handle.reset_with(|stopped, start| {
                let detached = other.reclaim(stopped) + self.reclaim(stopped);
                FRONT.detached.fetch_add(detached, Relaxed);
                start.enable_with(&mut self.state.lock().vq, &mut ring)
            });
        }
        self.handle.reset(|start| {
            let refused = |result: Result, expected: Error| match result {
                Err(error) if error == expected => Ok(()),
                _ => Err(EUCLEAN),
            };
            match within {
                Within::Nested => refused(self.reset(), EBUSY)?,
                Within::Beside => {
                    FRONT.resets.store(true, Relaxed);
                    self.device.config_interrupt();
                    self.device.settle();
                }
                Within::Other => {
                    let mut state = other.state.lock();
                    refused(start.enable_with(&mut state.vq, &mut of_other), EINVAL)?;
                    // Does nothing, as it is not about this queue.
                    start.enable(&mut state.vq)?;
                }
                Within::Failure => return Err(ENXIO),
                Within::Nothing | Within::Twice | Within::Reclaim => {}
            }
            let mut state = self.state.lock();
            refused(start.enable_with(&mut state.vq, &mut of_other), EINVAL)?;
            start.enable_with(&mut state.vq, &mut ring)?;
            if within == Within::Twice {
                refused(start.enable(&mut state.vq), EBUSY)?;
                refused(start.enable_with(&mut state.vq, &mut another), EBUSY)?;
            }
            Ok(())
        })
    }
}

impl VqHandler for Queue<'_> {
    fn interrupt(&self) -> IrqReturn {
        drain(
            &self.state,
            |state| {
                self.let_time_pass();
                &mut state.vq
            },
            &mut (),
            |state, (), used| {
                state.received += 1;
                let _ = state.idle.push_within_capacity(used.data.0);
            },
        )
    }
}
