// SPDX-License-Identifier: GPL-2.0

//! The outcome of a request.

use kernel::{
    bindings,
    error::to_result,
    prelude::*, //
};

/// How a request ended, or why it could not be started.
#[doc(alias = "blk_status_t")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum BlkStatus {
    /// Success. Memory that is zeroed is this value.
    Ok = 0,
    /// The device or the driver failed.
    IoError,
    /// The device does not support the operation.
    NotSupported,
    /// The device cannot open another zone.
    ZoneOpenResource,
    /// The device cannot write to another zone.
    ZoneActiveResource,
    /// There is no room, or no memory. The block layer retries after some time.
    ///
    /// There is no value for `BLK_STS_DEV_RESOURCE`, with which it would only retry when a request
    /// completes: it does not notice those that a
    /// [`CompletionBatch`](crate::CompletionBatch) ends.
    Resource,
}

impl BlkStatus {
    /// Returns the `BLK_STS_*` value.
    #[inline]
    pub(crate) fn into_raw(self) -> bindings::blk_status_t {
        if self == Self::Ok {
            // CAST: The constant is 0.
            bindings::BLK_STS_OK as bindings::blk_status_t
        } else {
            self.error_into_raw()
        }
    }

    /// Returns the `BLK_STS_*` value of an error. The values are macros that bindgen does not
    /// evaluate, so they are looked up in C by error number, which is cheap enough for the error
    /// path.
    #[cold]
    fn error_into_raw(self) -> bindings::blk_status_t {
        let error = match self {
            Self::Ok | Self::IoError => EIO,
            Self::NotSupported => EOPNOTSUPP,
            Self::Resource => ENOMEM,
            Self::ZoneOpenResource => ETOOMANYREFS,
            Self::ZoneActiveResource => EOVERFLOW,
        };
        // SAFETY: This function only looks up the value in a table, and checks its bounds.
        unsafe { bindings::errno_to_blk_status(error.to_errno()) }
    }

    /// Converts a `BLK_STS_*` value to a result.
    pub(crate) fn result_from_raw(raw: bindings::blk_status_t) -> Result {
        // SAFETY: This function only looks up the value in a table, and checks its bounds.
        to_result(unsafe { bindings::blk_status_to_errno(raw) })
    }
}
