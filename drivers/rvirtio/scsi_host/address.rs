// SPDX-License-Identifier: GPL-2.0

//! Addresses of logical units.

use crate::bindings;

/// The address of a logical unit in a host. Hosts have one channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Address {
    /// The target.
    pub target: u32,
    /// The logical unit, as the kernel numbers them.
    pub lun: u64,
}

impl Address {
    /// # Safety
    ///
    /// `sdev` must be a valid device.
    #[inline]
    pub(crate) unsafe fn of(sdev: *const bindings::scsi_device) -> Self {
        // SAFETY: The device is valid (safety requirement), and its address does not change.
        unsafe {
            Self {
                target: (*sdev).id,
                lun: (*sdev).lun,
            }
        }
    }
}
