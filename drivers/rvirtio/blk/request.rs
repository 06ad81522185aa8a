// SPDX-License-Identifier: GPL-2.0

//! Requests as the device sees them (virtio 1.4, 5.2.6).

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

/// What a request has while it is in flight: a header as bytes, a status byte, and, if it is a read
/// that was prepared, what its memory was filled with.
pub(crate) type Command<'bound> = Exchange<'bound, [u8; Header::SIZE], u8, Option<Blank>>;

/// A request that the block layer wants to be done.
pub(crate) type Request<'bound> = blk_mq::Request<Command<'bound>>;

/// A request that is ready for the virtqueue.
pub(crate) type Prepared<'bound> = blk_mq::virtqueue::Prepared<Command<'bound>>;

/// A request that was not started.
pub(crate) type Refused<'bound> = blk_mq::Refused<Command<'bound>>;

/// Returns the header for a request, or `None` if the device has no such request.
#[doc(alias = "virtblk_setup_cmd")]
#[inline]
pub(crate) fn header(rq: &Request<'_>) -> Option<Header> {
    Some(match rq.op() {
        Op::Read => Header::new(request::IN, rq.sector()),
        Op::Write => Header::new(request::OUT, rq.sector()),
        Op::Flush => Header::new(request::FLUSH, 0),
        // The only one that the driver sends itself.
        Op::DriverIn => Header::new(request::GET_ID, 0),
        Op::Other(_) => return None,
    })
}

/// Returns how many bytes of data the device is to write, before the status.
#[inline]
pub(crate) fn data_in(rq: &Request<'_>) -> u32 {
    match rq.direction() {
        Some(Direction::FromDevice) => rq.data_len(),
        Some(Direction::ToDevice) | None => 0,
    }
}
