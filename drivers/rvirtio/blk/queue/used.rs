// SPDX-License-Identifier: GPL-2.0

//! Requests that the device has used.

use super::{
    HwQueue,
    State, //
};
use crate::{
    completion::Completion,
    request::{
        reports_all,
        Command,
        Prepared,
        Request, //
    }, //
};
use blk_mq::{
    BlkStatus,
    CompletionBatch, //
};
use rvirtio::{
    virtqueue::drain,
    IrqReturn,
    Used,
    VqHandler, //
};

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
            |state, done, used| self.used(state, done, used),
        )
    }
}

impl<'bound> HwQueue<'bound> {
    /// Ends used requests, whoever does that usually.
    pub(super) fn look(&self) {
        if self.is_polled() {
            self.poll();
        } else {
            self.interrupt();
        }
    }

    /// Ends used requests without asking for an interrupt, and returns their number.
    pub(crate) fn poll(&self) -> usize {
        // Requests that are left in the batch end when it is dropped, after the lock is released.
        let mut done = CompletionBatch::new();
        let mut state = self.state.lock();
        let mut found = 0;
        while let Some(used) = state.vq.pop_used() {
            self.used(&mut state, &mut done, used);
            found += 1;
        }
        found
    }

    /// Completes a request that the device has used.
    #[inline(always)]
    fn used(
        &self,
        state: &mut State<'bound>,
        done: &mut CompletionBatch<Command<'bound>>,
        used: Used<Prepared<'bound>>,
    ) {
        state.removed(self.dev, &used.data);
        let mut rq = used.data.into();
        match self.status(&mut rq, used.written) {
            Some(status) => done.complete(rq, status),
            None => rq.requeue(),
        }
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
