// SPDX-License-Identifier: GPL-2.0

//! Used lengths at work: preparing reads, and deciding about requests that seem to have succeeded.

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

/// What is known about the used lengths of a device, shared by its queues.
pub(crate) struct Lengths<'bound> {
    used_length: UsedLength,
    dev: &'bound Device<Bound>,
    /// What was logged: a bit for each kind of news.
    logged: AtomicU8,
}

impl<'bound> Lengths<'bound> {
    pub(crate) fn new(dev: &'bound Device<Bound>) -> Self {
        let policy = match Policy::from_index(USED_LENGTH.index()) {
            // A length is no proof against a host that is not to be trusted.
            Policy::Auto if is_memory_restricted() => Policy::Prepare,
            policy => policy,
        };
        Self {
            used_length: UsedLength::new(policy),
            dev,
            logged: AtomicU8::new(0),
        }
    }

    /// Prepares a read, if that is to be done.
    #[inline]
    pub(crate) fn prepare(&self, rq: &mut Request<'_>) -> Option<Blank> {
        (rq.op() == Op::Read && self.used_length.prepares_reads()).then(|| rq.blank())
    }

    /// Decides about a request that has succeeded, as the device says, but was prepared, or for
    /// which it reports less than data and status. `None` means that it is to be done again.
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

    /// Logs news, but each kind only once.
    fn log(&self, news: News, op: Op, len: u32, written: u32) {
        // CAST: There are three.
        let bit = 1 << news as u8;
        if self.logged.fetch_or(bit, Ordering::Relaxed) & bit != 0 {
            return;
        }
        match news {
            News::Sloppy => dev_warn!(
                self.dev,
                "device says it wrote {written} bytes of a read of {len}: reads are checked by \
                 their data from now on, see module parameter used_length\n"
            ),
            News::NotWritten => dev_err!(
                self.dev,
                "read of {len} bytes succeeded without data, device says it wrote {written}\n"
            ),
            News::TooShort => dev_err!(
                self.dev,
                "{op:?} with {len} bytes to write fails as the device says it wrote {written}, \
                 see module parameter used_length\n"
            ),
        }
    }
}
