// SPDX-License-Identifier: GPL-2.0

//! Hosts that are added, and changes of their devices.

use crate::{
    address::Address,
    bindings,
    device::Device,
    host::Host,
    operations::Operations, //
};
use core::{
    marker::PhantomData,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::types::NotThreadSafe;

/// All logical units of a target.
const SCAN_WILD_CARD: u64 = u64::MAX;

/// A host that is added, and not removed while this exists.
///
/// # Invariants
///
/// As it says.
pub struct Live<'a, 'bound, T: Operations> {
    host: &'a Host<'bound, T>,
    _not_shared: NotThreadSafe,
}

impl<'a, 'bound, T: Operations> Live<'a, 'bound, T> {
    /// # Safety
    ///
    /// The host must be added, and must not be removed for `'a`.
    pub(crate) unsafe fn new(host: &'a Host<'bound, T>) -> Self {
        // INVARIANT: By the safety requirement.
        Self {
            host,
            _not_shared: NotThreadSafe,
        }
    }

    /// Returns the host.
    pub fn host(&self) -> &'a Host<'bound, T> {
        self.host
    }

    /// Looks for devices of a target.
    #[doc(alias = "scsi_scan_target")]
    pub fn scan_target(&self, target: u32) {
        // SAFETY: The host is added (type invariant).
        unsafe {
            bindings::scsi_scan_target(
                &raw mut (*self.host.as_raw()).shost_gendev,
                0,
                target,
                SCAN_WILD_CARD,
                bindings::scsi_scan_mode_SCSI_SCAN_INITIAL,
            )
        }
    }

    /// Looks for the device at an address.
    #[doc(alias = "scsi_add_device")]
    pub fn add(&self, at: Address) {
        // SAFETY: The host is added (type invariant).
        unsafe {
            bindings::scsi_scan_target(
                &raw mut (*self.host.as_raw()).shost_gendev,
                0,
                at.target,
                at.lun,
                bindings::scsi_scan_mode_SCSI_SCAN_RESCAN,
            )
        }
    }

    /// Returns the device at an address, if it is known.
    #[doc(alias = "scsi_device_lookup")]
    pub fn device(&self, at: Address) -> Option<Device<'a>> {
        // SAFETY: The host is added (type invariant).
        let sdev =
            unsafe { bindings::scsi_device_lookup(self.host.as_raw(), 0, at.target, at.lun) };
        // SAFETY: It comes with a reference, and the host is not removed for `'a`.
        NonNull::new(sdev).map(|sdev| unsafe { Device::new(sdev) })
    }

    /// Returns all known devices.
    #[doc(alias = "shost_for_each_device")]
    pub fn devices(&self) -> Devices<'a> {
        // INVARIANT: There is none yet.
        Devices {
            shost: self.host.as_raw(),
            last: ptr::null_mut(),
            _p: PhantomData,
        }
    }
}

/// An iterator over the devices of a host.
///
/// # Invariants
///
/// `last` is null or a device of `shost`, to which this owns a reference. The host is not removed
/// for `'a`.
pub struct Devices<'a> {
    shost: *mut bindings::Scsi_Host,
    last: *mut bindings::scsi_device,
    _p: PhantomData<&'a ()>,
}

impl<'a> Iterator for Devices<'a> {
    type Item = Device<'a>;

    fn next(&mut self) -> Option<Device<'a>> {
        loop {
            // INVARIANT: C drops the reference to the last one, and returns one to the next.
            // SAFETY: The host and the device are valid (type invariant).
            self.last = unsafe { bindings::__scsi_iterate_devices(self.shost, self.last) };
            let sdev = NonNull::new(self.last)?;
            // SAFETY: The device is valid, and so is the host for `'a` (type invariant).
            if let Some(device) = unsafe { Device::get(sdev) } {
                return Some(device);
            }
        }
    }
}

impl Drop for Devices<'_> {
    fn drop(&mut self) {
        if !self.last.is_null() {
            // SAFETY: This owns a reference (type invariant).
            unsafe { bindings::scsi_device_put(self.last) }
        }
    }
}
