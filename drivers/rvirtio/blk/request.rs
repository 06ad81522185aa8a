// SPDX-License-Identifier: GPL-2.0

//! Requests as the device sees them (virtio 1.4, 5.2.6).

use crate::queue::Ops;
use blk_mq::{
    virtqueue::RingCommand,
    BlkStatus,
    Direction,
    Op,
    Request, //
};
use rvirtio::{
    spec::blk::{
        request,
        status,
        Header, //
    },
    virtqueue::slab::Slab, //
};

/// The header of a request, as bytes.
pub(crate) type RawHeader = [u8; Header::SIZE];

/// The status of a request.
pub(crate) type RawStatus = u8;

/// The memory of a request in flight.
pub(crate) type Command<'bound> = RingCommand<'bound, RawHeader, RawStatus>;

/// The shared memory of all requests of a queue.
pub(crate) type CommandSlab<'bound> = Slab<'bound, RawHeader, RawStatus>;

/// What the status is until the device writes it: a value that means nothing.
pub(crate) const NOT_WRITTEN: RawStatus = 0xff;

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

/// What a device said about a request that it has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// This is the status.
    Status(BlkStatus),
    /// It succeeded, but the device did not write all that it should have.
    Short,
}

impl Outcome {
    /// Returns the outcome of a request for which the device wrote `written` bytes.
    #[inline]
    pub(crate) fn of(rq: &Request<Ops<'_>>, written: u32) -> Self {
        let data_in = match rq.direction() {
            Some(Direction::FromDevice) => rq.data_len(),
            Some(Direction::ToDevice) | None => 0,
        };
        Self::new(rq.device_status(), written, data_in)
    }

    /// `data_in` is the number of bytes that the device was to write before the status.
    #[inline]
    fn new(device_status: RawStatus, written: u32, data_in: u32) -> Self {
        match device_status {
            status::OK if written > data_in => Self::Status(BlkStatus::Ok),
            status::OK => Self::Short,
            status::UNSUPP => Self::Status(BlkStatus::NotSupported),
            // An I/O error, a status that does not exist, or none.
            _ => Self::Status(BlkStatus::IoError),
        }
    }
}

#[cfg(CONFIG_RVIRTIO_KUNIT_TEST)]
#[macros::kunit_tests(rvirtio_blk_request)]
mod tests {
    use super::*;

    /// covers: BLK-D1
    #[test]
    fn only_zero_is_success() {
        for device_status in 0..=u8::MAX {
            let expected = match device_status {
                0 => BlkStatus::Ok,
                2 => BlkStatus::NotSupported,
                _ => BlkStatus::IoError,
            };
            let outcome = Outcome::new(device_status, 513, 512);
            assert_eq!(outcome, Outcome::Status(expected));
        }
    }

    #[test]
    fn success_needs_all_data_and_the_status() {
        for (written, data_in) in [(0, 0), (0, 512), (511, 512), (512, 512)] {
            assert_eq!(Outcome::new(status::OK, written, data_in), Outcome::Short);
        }
        for (written, data_in) in [(1, 0), (513, 512)] {
            let expected = Outcome::Status(BlkStatus::Ok);
            assert_eq!(Outcome::new(status::OK, written, data_in), expected);
        }
    }

    #[test]
    fn failure_may_write_less() {
        let expected = Outcome::Status(BlkStatus::IoError);
        assert_eq!(Outcome::new(status::IOERR, 1, 512), expected);
        assert_eq!(Outcome::new(NOT_WRITTEN, 0, 512), expected);
    }
}
