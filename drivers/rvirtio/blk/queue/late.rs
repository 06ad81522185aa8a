// SPDX-License-Identifier: GPL-2.0

//! Requests that the device does not complete: they are late, or taken back from it.

use super::{
    submit::notify,
    HwQueue,
    KICKED, //
};
use crate::request::{
    is_idempotent,
    Request, //
};
use blk_mq::{
    BlkStatus,
    RequestList,
    TimedOut,
    Timeout, //
};
use rvirtio::{
    Stopped,
    Why, //
};

/// The number of times that the device may have a request which it does not complete.
const ATTEMPTS: u8 = 3;

impl<'bound> HwQueue<'bound> {
    /// Ends the requests that the device has completed, and takes back the others. These are
    /// repeated if it is started again, and end otherwise.
    pub(crate) fn reclaim(&self, stopped: &Stopped<'_>) {
        // A device may complete requests before it confirms the reset.
        self.look();
        let mut taken = RequestList::new();
        {
            let mut state = self.state.lock();
            // Whatever completes from here on does so for another reason.
            state.attention.0 &= !KICKED;
            while let Some(rq) = state.vq.detach_unused(stopped) {
                state.attention.removed(self.dev, &rq);
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
        self.look();
        if late.is_completed() {
            // If the queue is polled, somebody has stopped doing that.
            if !self.is_polled() {
                counters.lost_interrupts.add(1);
            }
            return Timeout::Completed;
        }
        if late.was_extended() {
            if self.dev.is_connected() {
                self.dev.request_reset();
            } else {
                // Partitions are being read, which takes many requests, or the disk is going away.
                self.dev.request_stop();
            }
            return Timeout::Wait;
        }
        counters.timeouts.add(1);
        let kick = {
            let mut state = self.state.lock();
            // If the device has seen the request, it is slow.
            if !state.vq.has_all_been_seen() {
                state.attention.0 |= KICKED;
            }
            state.vq.kick_again()
        };
        notify(kick);
        Timeout::Extend
    }
}
