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
pub enum BlkStatus {
    /// Success.
    Ok,
    /// The device or the driver failed.
    IoError,
    /// The device does not know the operation.
    NotSupported,
    /// Something that is not the device's ran out. The block layer tries again after a while.
    Resource,
    /// The device has no room. The block layer tries again when a request of it completes.
    DevResource,
}

impl BlkStatus {
    /// Returns C's `BLK_STS_*` value.
    #[inline]
    pub(crate) fn into_raw(self) -> bindings::blk_status_t {
        if self == Self::Ok {
            // CAST: The constant is 0.
            bindings::BLK_STS_OK as bindings::blk_status_t
        } else {
            self.error_into_raw()
        }
    }

    /// The values are macros that bindgen does not evaluate, so that they are taken from C's
    /// table of error numbers; on the error path that is cheap enough.
    #[cold]
    fn error_into_raw(self) -> bindings::blk_status_t {
        let error = match self {
            Self::Ok | Self::IoError => EIO,
            Self::NotSupported => EOPNOTSUPP,
            Self::Resource => ENOMEM,
            Self::DevResource => EBUSY,
        };
        // SAFETY: It only looks up a table.
        unsafe { bindings::errno_to_blk_status(error.to_errno()) }
    }

    /// Converts C's `BLK_STS_*` value to an error number.
    pub(crate) fn result_from_raw(raw: bindings::blk_status_t) -> Result {
        // SAFETY: It only looks up a table.
        to_result(unsafe { bindings::blk_status_to_errno(raw) })
    }
}
