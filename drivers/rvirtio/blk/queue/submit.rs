// SPDX-License-Identifier: GPL-2.0

//! Requests on their way to the device.

use super::{
    HwContext,
    HwQueue,
    STOPPED, //
};
use crate::{
    completion::NOT_WRITTEN,
    request::{
        describe,
        Prepared,
        Refused,
        Request, //
    },
    spec::Header, //
};
use blk_mq::{
    BlkStatus,
    Op,
    Position,
    RequestList, //
};
use rvirtio::{
    AddError,
    Kick, //
};

impl<'bound> HwQueue<'bound> {
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
    /// Those of [`describe`] and [`blk_mq::Request::prepare`].
    #[inline(always)]
    pub(crate) fn prepare(
        &self,
        mut rq: Request<'bound>,
    ) -> Result<Prepared<'bound>, Refused<'bound>> {
        let op = rq.op();
        let (kind, sector) = match describe(&mut rq, op) {
            Ok(described) => described,
            Err(status) => return Err(Refused { rq, status }),
        };
        let header = Header::new(kind, rq.priority(), sector);
        let is_read = op == Op::Read;
        let blank = is_read.then(|| self.lengths.prepare(&mut rq)).flatten();
        rq.prepare(*header.as_bytes(), NOT_WRITTEN, blank)
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
        state.attention.0 |= STOPPED;
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
pub(super) fn notify(kick: Option<Kick<'_>>) {
    if let Some(kick) = kick {
        kick.notify();
    }
}
