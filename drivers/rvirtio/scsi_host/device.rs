// SPDX-License-Identifier: GPL-2.0

//! Devices of hosts: logical units.
//!
//! C header: [`include/scsi/scsi_device.h`](srctree/include/scsi/scsi_device.h)

use crate::{
    address::Address,
    bindings, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings::{
        req_op_REQ_OP_DRV_IN,
        HZ, //
    },
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

/// A device of a host.
///
/// # Invariants
///
/// This owns a reference to `sdev`, whose host is not removed for `'a`.
#[doc(alias = "scsi_device")]
pub struct Device<'a> {
    sdev: NonNull<bindings::scsi_device>,
    _p: PhantomData<&'a ()>,
}

/// What became of a command of the driver itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Executed {
    /// It has succeeded.
    Good,
    /// There is no such target.
    BadTarget,
    /// It has failed.
    Failed,
}

impl Device<'_> {
    /// # Safety
    ///
    /// The caller must own a reference to the device, and transfers it. The host must not be removed
    /// for the lifetime.
    pub(crate) unsafe fn new(sdev: NonNull<bindings::scsi_device>) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            sdev,
            _p: PhantomData,
        }
    }

    /// Gets a reference to a device, unless it is being removed.
    ///
    /// # Safety
    ///
    /// The device must be valid, and its host must not be removed for the lifetime.
    pub(crate) unsafe fn get(sdev: NonNull<bindings::scsi_device>) -> Option<Self> {
        // SAFETY: The device is valid (safety requirement).
        let got = unsafe { bindings::scsi_device_get(sdev.as_ptr()) };
        // SAFETY: The reference was just obtained.
        (got == 0).then(|| unsafe { Self::new(sdev) })
    }

    /// Returns its address.
    pub fn address(&self) -> Address {
        // SAFETY: The device is valid (type invariant).
        unsafe { Address::of(self.sdev.as_ptr()) }
    }

    /// Reads again what can have changed, such as its size.
    #[doc(alias = "scsi_rescan_device")]
    pub fn rescan(&self) {
        // SAFETY: The device is valid (type invariant).
        let _ = unsafe { bindings::scsi_rescan_device(self.sdev.as_ptr()) };
    }

    /// Removes it. Waits until its commands have ended.
    #[doc(alias = "scsi_remove_device")]
    pub fn remove(self) {
        // SAFETY: The device is valid (type invariant).
        unsafe { bindings::scsi_remove_device(self.sdev.as_ptr()) }
    }

    /// Executes a command by which the device fills `to`, within some seconds.
    #[doc(alias = "scsi_execute_cmd")]
    pub fn execute_in(&self, cdb: &[u8; 16], to: &mut KVec<u8>) -> Executed {
        const DID_BAD_TARGET: c_int = bindings::scsi_host_status_DID_BAD_TARGET as c_int;
        // CAST: A small time.
        const TIMEOUT: c_int = 30 * HZ as c_int;
        const RETRIES: c_int = 5;
        let len = c_uint::try_from(to.len()).unwrap_or(0);
        // SAFETY: The device is valid (type invariant). The memory was allocated by `kmalloc`, has so
        // many bytes, and is borrowed until the command has ended. No CDB of an operation code that
        // 16 bytes are too few for is longer.
        let result = unsafe {
            bindings::scsi_execute_cmd(
                self.sdev.as_ptr(),
                cdb.as_ptr(),
                req_op_REQ_OP_DRV_IN,
                to.as_mut_ptr().cast(),
                len,
                TIMEOUT,
                RETRIES,
                core::ptr::null(),
            )
        };
        match result {
            0 => Executed::Good,
            result if result > 0 && (result >> 16) & 0xff == DID_BAD_TARGET => Executed::BadTarget,
            _ => Executed::Failed,
        }
    }
}

impl Drop for Device<'_> {
    fn drop(&mut self) {
        // SAFETY: This owns a reference (type invariant).
        unsafe { bindings::scsi_device_put(self.sdev.as_ptr()) }
    }
}
