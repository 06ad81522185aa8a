// SPDX-License-Identifier: GPL-2.0

//! The queues of a device that has several of the same kind for requests, as disks and SCSI hosts do.

use crate::{
    device::Device,
    init::VqInfo,
    vectors::Callback,
    virtqueue::{
        exchange::EXTRA_DESCRIPTORS,
        Buffers,
        Virtqueue, //
    }, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};

/// The numbers of queues that a driver uses.
#[derive(Clone, Copy)]
pub struct RequestQueues {
    all: u16,
    /// The last ones, which have no interrupts.
    polled: u16,
}

impl RequestQueues {
    /// Uses as many of the `available` queues as `useful` returns for the largest number that is
    /// possible, which `limit` is, unless it is 0. The last `polled` of them, but not all, have no
    /// interrupts.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there are no queues, which is logged.
    pub fn new(
        dev: &Device<Bound>,
        available: u16,
        limit: u32,
        polled: u32,
        useful: impl FnOnce(u32) -> u32,
    ) -> Result<Self> {
        if available == 0 {
            dev_err!(dev, "device has no request queues\n");
            return Err(EINVAL);
        }
        let most = match limit {
            0 => available.into(),
            limit => limit.min(available.into()),
        };
        let all = u16::try_from(useful(most))?;
        let polled = u16::try_from(polled).unwrap_or(u16::MAX);
        let polled = polled.min(all.saturating_sub(1));
        if polled > 0 {
            dev_info!(dev, "polling {polled} of {all} queues\n");
        }
        Ok(Self { all, polled })
    }

    /// Returns the number of all queues.
    pub fn all(self) -> u16 {
        self.all
    }

    /// Returns the number of those that are polled.
    pub fn polled(self) -> u16 {
        self.polled
    }

    /// Returns whether queue `index` is polled.
    pub fn is_polled(self, index: u16) -> bool {
        index >= self.all - self.polled
    }

    /// Appends the queues to those that are passed to [`find_vqs`](crate::Negotiated::find_vqs).
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn describe(self, queues: &mut KVec<VqInfo>) -> Result {
        for index in 0..self.all {
            let queue = if self.is_polled(index) {
                VqInfo::numbered(c"req_poll", index, Callback::No)
            } else {
                VqInfo::numbered(c"req", index, Callback::Yes)
            };
            queues.push(queue, GFP_KERNEL)?;
        }
        Ok(())
    }
}

/// Returns the largest number of requests in flight in each of `vqs`, at most `limit`, unless that is 0.
///
/// Without descriptor tables, the number of requests that fit into a queue depends on their segments.
/// Like C, this assumes that they are small.
pub fn queue_depth<T: Buffers>(vqs: &[Virtqueue<'_, T>], limit: u32) -> u16 {
    let capacity = |vq: &Virtqueue<'_, T>| {
        if vq.has_indirect() {
            vq.capacity()
        } else {
            vq.capacity() / EXTRA_DESCRIPTORS
        }
    };
    let most = vqs.iter().map(capacity).min();
    let most = most.unwrap_or(0).max(1);
    match limit {
        0 => most,
        limit => u16::try_from(limit).unwrap_or(u16::MAX).min(most),
    }
}

/// Returns the largest number of data segments of a request in any of `vqs`.
///
/// A descriptor table must not be longer than its queue, although it is in other memory. A request
/// without a table uses as many descriptors of the queue.
pub fn max_segments<T: Buffers>(vqs: &[Virtqueue<'_, T>]) -> u16 {
    let smallest = vqs.iter().map(|vq| vq.capacity()).min();
    smallest.unwrap_or(0).saturating_sub(EXTRA_DESCRIPTORS)
}
