// SPDX-License-Identifier: GPL-2.0

//! Use of [`UsedLength`] for requests: preparing reads, and judging requests that the device
//! reports as successful.

use crate::{
    request::Request,
    used_length::{
        Judgement,
        Mark,
        News,
        Policy,
        Success,
        UsedLength, //
    },
    USED_LENGTH, //
};
use blk_mq::{
    Blank,
    BlkStatus,
    Op, //
};
use core::sync::atomic::{
    AtomicU8,
    Ordering, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};
use rvirtio::{
    dma::{
        is_memory_restricted,
        Direction, //
    },
    Device, //
};

/// The state of a device's used lengths, shared by its queues.
pub(crate) struct Lengths<'bound> {
    used_length: UsedLength,
    dev: &'bound Device<Bound>,
    /// Messages that were logged, one bit for each [`News`].
    logged: AtomicU8,
}

impl<'bound> Lengths<'bound> {
    pub(crate) fn new(dev: &'bound Device<Bound>) -> Self {
        let policy = match Policy::from_index(USED_LENGTH.index()) {
            // A host that is not trusted can report any length.
            Policy::Auto if is_memory_restricted() => Policy::Prepare,
            policy => policy,
        };
        Self {
            used_length: UsedLength::new(policy),
            dev,
            logged: AtomicU8::new(0),
        }
    }

    /// Prepares a read, if reads have to be prepared.
    #[inline]
    pub(crate) fn prepare(&self, read: &mut Request<'_>) -> Option<Blank> {
        self.used_length.prepares_reads().then(|| read.blank())
    }

    /// Judges a request that the device reports as successful, but that was prepared, or for which
    /// it reports fewer bytes than data and status have. Returns `None` if the request has to be
    /// repeated.
    #[cold]
    pub(crate) fn judge(&self, rq: &mut Request<'_>, written: u32) -> Option<BlkStatus> {
        let len = match rq.direction() {
            Some(Direction::FromDevice) => rq.data_len(),
            Some(Direction::ToDevice) | None => 0,
        };
        let success = if rq.op() == Op::Read {
            let mark = rq.note().map(|blank| {
                if rq.is_blank(blank) {
                    Mark::Kept
                } else {
                    Mark::Overwritten
                }
            });
            Success::Read(len, mark)
        } else {
            Success::Other(len)
        };
        let (judgement, news) = self.used_length.judge(success, written);
        if let Some(news) = news {
            self.log(news, rq.op(), len, written);
        }
        match judgement {
            Judgement::Done => Some(BlkStatus::Ok),
            Judgement::Failed => Some(BlkStatus::IoError),
            Judgement::Again => None,
        }
    }

    /// Logs news, once for each kind.
    fn log(&self, news: News, op: Op, len: u32, written: u32) {
        // CAST: The enum has three values.
        let bit = 1 << news as u8;
        if self.logged.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        match news {
            News::Sloppy => dev_warn!(
                self.dev,
                "device reports {written} bytes for a read of {len}: checking the data of \
                 reads from now on, see module parameter used_length\n"
            ),
            News::NotWritten => dev_err!(
                self.dev,
                "read of {len} bytes succeeded without data, device reports {written}\n"
            ),
            News::TooShort => dev_err!(
                self.dev,
                "failing {op:?} with {len} bytes to write, device reports {written}, \
                 see module parameter used_length\n"
            ),
        }
    }
}
