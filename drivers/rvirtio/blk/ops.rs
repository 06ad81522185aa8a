// SPDX-License-Identifier: GPL-2.0

//! The operations that the block layer calls: the hot path, from a request to the virtqueue.

use crate::{
    queue::{
        submit::{
            submit,
            submit_all, //
        },
        HwContext,
        HwQueue, //
    },
    report,
    request::{
        Command,
        Refused,
        Request, //
    },
    sysfs::{
        CacheType,
        DiskData,
        LifeTime,
        PreEolInfo,
        RingSize,
        Serial, //
    }, //
};
use blk_mq::{
    Batch,
    Disk,
    Operations,
    Position,
    RequestList,
    TimedOut,
    Timeout,
    ZoneReport, //
};
use core::marker::PhantomData;
use kernel::prelude::*;

/// The block driver's operations on a device that is bound for `'bound`.
pub(crate) struct Ops<'bound>(PhantomData<fn(&'bound ()) -> &'bound ()>);

#[vtable]
impl<'bound> Operations for Ops<'bound> {
    type HwQueue = HwQueue<'bound>;
    type Command = Command<'bound>;
    type DiskData = DiskData<'bound>;
    type Attributes = (Serial, CacheType, RingSize, PreEolInfo, LifeTime);

    #[doc(alias = "virtio_queue_rq")]
    // The callback for C only calls this function.
    #[inline(always)]
    fn queue_rq(
        hctx: HwContext<'_, 'bound>,
        rq: Request<'bound>,
        position: Position,
    ) -> Result<(), Refused<'bound>> {
        submit(hctx, hctx.prepare(rq)?, position)
    }

    #[doc(alias = "virtio_queue_rqs")]
    fn queue_rqs(
        hctx: HwContext<'_, 'bound>,
        batch: &mut Batch<'_, HwQueue<'bound>, Command<'bound>>,
    ) {
        let mut prepared = RequestList::new();
        for rq in batch {
            match hctx.prepare(rq) {
                Ok(rq) => prepared.push_back(rq),
                // The block layer passes it to `queue_rq` later, which returns the error.
                Err(refused) => refused.rq.requeue(),
            }
        }
        submit_all(hctx, prepared);
    }

    fn timeout(hctx: HwContext<'_, 'bound>, late: &TimedOut<'_>) -> Timeout {
        hctx.timeout(late)
    }

    fn report_zones(
        disk: &Disk<HwQueue<'bound>, DiskData<'bound>>,
        sector: u64,
        report: &mut ZoneReport<'_>,
    ) -> Result {
        report::report_zones(disk, sector, report)
    }

    #[doc(alias = "virtblk_poll")]
    fn poll(hctx: HwContext<'_, 'bound>) -> bool {
        hctx.poll()
    }

    #[doc(alias = "virtio_commit_rqs")]
    fn commit_rqs(hctx: HwContext<'_, 'bound>) {
        hctx.commit();
    }
}
