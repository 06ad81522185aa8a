// SPDX-License-Identifier: GPL-2.0

//! What has become of a command.
//!
//! C header: [`include/scsi/scsi_status.h`](srctree/include/scsi/scsi_status.h)

use crate::bindings::*;
use kernel::ffi::c_int;

/// What the host says of a command, apart from what its target says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostByte(u8);

macro_rules! host_bytes {
    ($($(#[$doc:meta])* $name:ident = $c:ident, $alias:literal;)*) => {
        impl HostByte {$(
            $(#[$doc])*
            #[doc(alias = $alias)]
            // CAST: The values are those of a byte.
            pub const $name: Self = Self($c as u8);
        )*}
    };
}

host_bytes! {
    /// The command has reached its target, whose status counts.
    OK = scsi_host_status_DID_OK, "DID_OK";
    /// There is nothing to be reached any more.
    NO_CONNECT = scsi_host_status_DID_NO_CONNECT, "DID_NO_CONNECT";
    /// There was no path to the target, but may be one later.
    BUS_BUSY = scsi_host_status_DID_BUS_BUSY, "DID_BUS_BUSY";
    /// There is no such target.
    BAD_TARGET = scsi_host_status_DID_BAD_TARGET, "DID_BAD_TARGET";
    /// The command was aborted.
    ABORT = scsi_host_status_DID_ABORT, "DID_ABORT";
    /// Something else is wrong. The command is repeated some times.
    ERROR = scsi_host_status_DID_ERROR, "DID_ERROR";
    /// A reset has ended the command, which is repeated if it is known what it does.
    RESET = scsi_host_status_DID_RESET, "DID_RESET";
    /// The path to the target was lost for a moment.
    TRANSPORT_DISRUPTED = scsi_host_status_DID_TRANSPORT_DISRUPTED, "DID_TRANSPORT_DISRUPTED";
}

/// What has become of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What the host says.
    pub host: HostByte,
    /// What the target says, a status of the SCSI Architecture Model.
    pub status: u8,
    /// The number of bytes that were not transferred.
    pub residual: u32,
}

impl Outcome {
    /// Returns the outcome of a command that has not reached its target.
    #[inline]
    pub const fn of_host(host: HostByte) -> Self {
        Self {
            host,
            status: 0,
            residual: 0,
        }
    }

    /// Returns both as the kernel stores them.
    #[inline]
    pub(crate) fn result(self) -> c_int {
        c_int::from(self.host.0) << 16 | c_int::from(self.status)
    }
}
