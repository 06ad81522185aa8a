// SPDX-License-Identifier: GPL-2.0

//! Operations of requests.
//!
//! C header: [`include/linux/blk_types.h`](srctree/include/linux/blk_types.h)

use kernel::bindings;
use rvirtio::dma::Direction;

/// The operation of a request.
#[doc(alias = "req_op")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads sectors.
    Read,
    /// Writes sectors.
    Write,
    /// Makes completed writes stable.
    Flush,
    /// Tells the device that the content of sectors is not needed any more.
    Discard,
    /// Makes the content of sectors unrecoverable.
    SecureErase,
    /// Writes zeroes to sectors.
    WriteZeroes,
    /// Opens a zone explicitly.
    ZoneOpen,
    /// Closes a zone.
    ZoneClose,
    /// Makes a zone full.
    ZoneFinish,
    /// Makes a zone empty.
    ZoneReset,
    /// Makes all zones empty.
    ZoneResetAll,
    /// A request of the driver itself, with data from the device; see
    /// [`Disk::execute_driver_in`](crate::Disk::execute_driver_in).
    DriverIn,
    /// Any other operation, with its number in C. The block layer does not send these, because
    /// [`Limits`](crate::Limits) cannot enable them.
    Other(u32),
}

impl Op {
    /// Returns the operation in the flags of a request.
    #[inline(always)]
    pub(crate) fn from_flags(flags: bindings::blk_opf_t) -> Self {
        // CAST: All operations are small positive numbers.
        let op = (flags & ((1 << bindings::REQ_OP_BITS) - 1)) as bindings::req_op;
        match op {
            bindings::req_op_REQ_OP_READ => Self::Read,
            bindings::req_op_REQ_OP_WRITE => Self::Write,
            _ => Self::without_sectors(op),
        }
    }

    /// Returns an operation that does not transfer sectors. Not inlined, so that reads and writes
    /// need few comparisons.
    #[cold]
    fn without_sectors(op: bindings::req_op) -> Self {
        match op {
            bindings::req_op_REQ_OP_FLUSH => Self::Flush,
            bindings::req_op_REQ_OP_DISCARD => Self::Discard,
            bindings::req_op_REQ_OP_SECURE_ERASE => Self::SecureErase,
            bindings::req_op_REQ_OP_WRITE_ZEROES => Self::WriteZeroes,
            bindings::req_op_REQ_OP_ZONE_OPEN => Self::ZoneOpen,
            bindings::req_op_REQ_OP_ZONE_CLOSE => Self::ZoneClose,
            bindings::req_op_REQ_OP_ZONE_FINISH => Self::ZoneFinish,
            bindings::req_op_REQ_OP_ZONE_RESET => Self::ZoneReset,
            bindings::req_op_REQ_OP_ZONE_RESET_ALL => Self::ZoneResetAll,
            bindings::req_op_REQ_OP_DRV_IN => Self::DriverIn,
            other => Self::Other(other),
        }
    }

    /// Returns the direction of the data in bios, or `None` without data.
    #[inline(always)]
    pub(crate) fn direction(self) -> Option<Direction> {
        match self {
            Self::Read | Self::DriverIn => Some(Direction::FromDevice),
            Self::Write => Some(Direction::ToDevice),
            Self::Flush => None,
            Self::ZoneOpen | Self::ZoneClose | Self::ZoneFinish => None,
            Self::ZoneReset | Self::ZoneResetAll => None,
            Self::Discard | Self::SecureErase | Self::WriteZeroes | Self::Other(_) => None,
        }
    }

    /// Returns whether the request only names ranges of sectors, for which the driver makes a
    /// payload, see [`Request::set_payload`](crate::Request::set_payload).
    #[inline]
    pub fn has_ranges(self) -> bool {
        matches!(self, Self::Discard | Self::SecureErase | Self::WriteZeroes)
    }
}
