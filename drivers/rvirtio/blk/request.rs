// SPDX-License-Identifier: GPL-2.0

//! Requests as the device sees them (virtio 1.4, 5.2.6).

use crate::{
    queue::Ops,
    spec::{
        request,
        Header, //
    },
    verdict::Verdict, //
};
use blk_mq::{
    virtqueue::RingCommand,
    Direction,
    Op,
    Request, //
};
use rvirtio::virtqueue::slab::Slab;

/// Descriptors of a request that are not data: header and status.
pub(crate) const EXTRA_DESCRIPTORS: u16 = 2;

/// The header of a request, as bytes.
pub(crate) type RawHeader = [u8; Header::SIZE];

/// The status of a request.
pub(crate) type RawStatus = u8;

/// The memory of a request in flight.
pub(crate) type Command<'bound> = RingCommand<'bound, RawHeader, RawStatus>;

/// The shared memory of all requests of a queue.
pub(crate) type CommandSlab<'bound> = Slab<'bound, RawHeader, RawStatus>;

/// Returns the header for a request, or `None` if the device has no such request.
#[doc(alias = "virtblk_setup_cmd")]
#[inline]
pub(crate) fn header(rq: &Request<Ops<'_>>) -> Option<RawHeader> {
    let header = match rq.op() {
        Op::Read => Header::new(request::IN, rq.sector()),
        Op::Write => Header::new(request::OUT, rq.sector()),
        Op::Flush => Header::new(request::FLUSH, 0),
        // The only one that the driver sends itself.
        Op::DriverIn => Header::new(request::GET_ID, 0),
        Op::Other(_) => return None,
    };
    Some(*header.as_bytes())
}

/// Returns what a device says about a request for which it wrote `written` bytes.
#[inline]
pub(crate) fn verdict(rq: &Request<Ops<'_>>, written: u32) -> Verdict {
    let data_in = match rq.direction() {
        Some(Direction::FromDevice) => rq.data_len(),
        Some(Direction::ToDevice) | None => 0,
    };
    Verdict::of(rq.device_status(), written, data_in)
}
