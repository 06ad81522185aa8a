// SPDX-License-Identifier: GPL-2.0

//! Requests that the device has used.

use super::HwQueue;
use crate::{
    completion::Completion,
    request::{
        reports_all,
        Request, //
    }, //
};
use blk_mq::{
    BlkStatus,
    CompletionBatch, //
};
use rvirtio::{
    virtqueue::{
        drain_with,
        Callbacks, //
    },
    IrqReturn,
    Used,
    VqHandler, //
};

impl VqHandler for HwQueue<'_> {
    #[doc(alias = "virtblk_done")]
    fn interrupt(&self) -> IrqReturn {
        self.end_used(Callbacks::Enable)
    }
}

impl<'bound> HwQueue<'bound> {
    /// Ends used requests, and returns whether there were any. The queue must be polled.
    pub(crate) fn poll(&self) -> bool {
        matches!(self.end_used(Callbacks::Disable), IrqReturn::Handled)
    }

    /// Ends used requests, whoever does that usually.
    pub(super) fn look(&self) {
        self.end_used(if self.is_polled() {
            Callbacks::Disable
        } else {
            Callbacks::Enable
        });
    }

    /// Ends used requests, without the lock held, before it enables the next interrupt. Not inlined,
    /// so that there is only one copy of it.
    #[inline(never)]
    fn end_used(&self, callbacks: Callbacks) -> IrqReturn {
        drain_with(
            &self.state,
            |state| &mut state.vq,
            // Requests that are left in the batch end when it is dropped, after the lock is
            // released.
            &mut CompletionBatch::new(),
            |state, done, Used { data, written, .. }| {
                state.attention.removed(self.dev, &data);
                let mut rq = data.into();
                match self.status(&mut rq, written) {
                    Some(status) => done.complete(rq, status),
                    None => rq.requeue(),
                }
            },
            callbacks,
        )
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
            Completion::ZoneOpenResource => Some(BlkStatus::ZoneOpenResource),
            Completion::ZoneActiveResource => Some(BlkStatus::ZoneActiveResource),
            Completion::Failed => Some(BlkStatus::IoError),
        }
    }
}
