// SPDX-License-Identifier: GPL-2.0

//! Requests to the device (virtio 1.4, 5.2.6).

use crate::spec::{
    request,
    Header, //
};
use blk_mq::{
    Blank,
    Op, //
};
use rvirtio::{
    dma::Direction,
    virtqueue::exchange::Exchange, //
};

/// The driver's memory of a request in flight: the bytes of the header, a status byte, and, for a
/// read that was prepared, the content of its memory.
pub(crate) type Command<'bound> = Exchange<'bound, [u8; Header::SIZE], u8, Option<Blank>>;

/// A request from the block layer.
pub(crate) type Request<'bound> = blk_mq::Request<Command<'bound>>;

/// A request that is ready for the virtqueue.
pub(crate) type Prepared<'bound> = blk_mq::virtqueue::Prepared<Command<'bound>>;

/// A request that was not started.
pub(crate) type Refused<'bound> = blk_mq::Refused<Command<'bound>>;

/// Returns the header of a request at `sector`, or `None` if the device has no such request.
#[doc(alias = "virtblk_setup_cmd")]
#[inline]
pub(crate) fn header(op: Op, sector: u64) -> Option<Header> {
    Some(match op {
        Op::Read => Header::new(request::IN, sector),
        Op::Write => Header::new(request::OUT, sector),
        Op::Flush => Header::new(request::FLUSH, 0),
        // GET_ID is the only request that the driver itself sends.
        Op::DriverIn => Header::new(request::GET_ID, 0),
        Op::Other(_) => return None,
    })
}

/// Returns whether a request can be repeated if it is not known whether the device has executed it.
#[inline]
pub(crate) fn is_idempotent(op: Op) -> bool {
    match op {
        Op::Read | Op::Write | Op::Flush | Op::DriverIn => true,
        Op::Other(_) => false,
    }
}

/// Returns whether the device reports all that it has to write: the data of a read, and the status.
#[inline]
pub(crate) fn reports_all(rq: &Request<'_>, written: u32) -> bool {
    // For reads it is the first comparison that matters.
    written > rq.data_len() || (written > 0 && rq.direction() != Some(Direction::FromDevice))
}
