// SPDX-License-Identifier: GPL-2.0

//! Requests to the device (virtio 1.4, 5.2.6).

use crate::spec::{
    request,
    Header,
    Range, //
};
use blk_mq::{
    Blank,
    BlkStatus,
    Op, //
};
use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*, //
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

/// Returns type and sector for the header of a request, and sets its payload, if it has one.
///
/// # Errors
///
/// [`BlkStatus::NotSupported`] if the device has no such request, [`BlkStatus::Resource`] if there
/// is no memory for the payload.
#[doc(alias = "virtblk_setup_cmd")]
#[inline]
pub(crate) fn describe(rq: &mut Request<'_>, op: Op) -> Result<(u32, u64), BlkStatus> {
    match op {
        Op::Read => Ok((request::IN, rq.sector())),
        Op::Write => Ok((request::OUT, rq.sector())),
        _ => other(rq, op),
    }
}

/// Returns type and sector of a request that does not transfer sectors.
#[cold]
fn other(rq: &mut Request<'_>, op: Op) -> Result<(u32, u64), BlkStatus> {
    let zone = rq.sector();
    let kind = match op {
        Op::Flush => request::FLUSH,
        Op::DriverIn => return rq.driver_kind().ok_or(BlkStatus::NotSupported),
        Op::Discard => with_ranges(rq, request::DISCARD, false)?,
        Op::SecureErase => with_ranges(rq, request::SECURE_ERASE, false)?,
        Op::WriteZeroes => with_ranges(rq, request::WRITE_ZEROES, rq.may_unmap())?,
        Op::ZoneOpen => return Ok((request::ZONE_OPEN, zone)),
        Op::ZoneClose => return Ok((request::ZONE_CLOSE, zone)),
        Op::ZoneFinish => return Ok((request::ZONE_FINISH, zone)),
        Op::ZoneReset => return Ok((request::ZONE_RESET, zone)),
        Op::ZoneResetAll => request::ZONE_RESET_ALL,
        Op::Read | Op::Write | Op::Other(_) => return Err(BlkStatus::NotSupported),
    };
    Ok((kind, 0))
}

/// Makes the payload of a request that names ranges of sectors, and returns `kind`.
#[doc(alias = "virtblk_setup_discard_write_zeroes_erase")]
fn with_ranges(rq: &mut Request<'_>, kind: u32, unmap: bool) -> Result<u32, BlkStatus> {
    let len = rq.ranges().count() * Range::SIZE;
    let mut payload =
        KVec::with_capacity(len, GFP_ATOMIC | __GFP_NOWARN).map_err(|_| BlkStatus::Resource)?;
    for range in rq.ranges() {
        let range = Range::new(range.sector, range.sectors, unmap);
        payload
            .extend_from_slice(range.as_bytes(), GFP_ATOMIC | __GFP_NOWARN)
            .map_err(|_| BlkStatus::Resource)?;
    }
    rq.set_payload(payload);
    Ok(kind)
}

/// Returns whether a request can be repeated if it is not known whether the device has executed it.
#[inline]
pub(crate) fn is_idempotent(op: Op) -> bool {
    match op {
        Op::Read | Op::Write | Op::Flush | Op::DriverIn => true,
        Op::Discard | Op::SecureErase | Op::WriteZeroes => true,
        // So is a write to a zone, in its way: if it was executed, it fails the next time, as the write
        // pointer has moved.
        Op::ZoneOpen | Op::ZoneClose | Op::ZoneFinish | Op::ZoneReset | Op::ZoneResetAll => true,
        Op::Other(_) => false,
    }
}

/// Returns whether the device reports all that it has to write: the data of a read, and the status.
#[inline]
pub(crate) fn reports_all(rq: &Request<'_>, written: u32) -> bool {
    // For reads it is the first comparison that matters.
    written > rq.data_len() || (written > 0 && rq.direction() != Some(Direction::FromDevice))
}
