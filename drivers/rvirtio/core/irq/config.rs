// SPDX-License-Identifier: GPL-2.0

//! The interrupt of configuration changes, whose thread also notices that the device has failed.

use super::line::Line;
use crate::device::{
    Device,
    DriverOps, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Bound,
    ffi::{
        c_int,
        c_void, //
    }, //
};

/// The data of the handler of configuration changes.
///
/// # Invariants
///
/// While this exists, the driver data of `dev` belongs to `driver`, and `line`, if there is one, is
/// valid.
pub(super) struct ConfigInterrupt<'a> {
    dev: &'a Device<Bound>,
    driver: DriverOps,
    /// The line, unless configuration changes have their own vector.
    line: Option<NonNull<Line<'a>>>,
}

// SAFETY: `dev` and `line` are shared references to a `Device<Bound>` and a `Line`, which are
// `Sync`.
unsafe impl Send for ConfigInterrupt<'_> {}

impl<'a> ConfigInterrupt<'a> {
    /// # Safety
    ///
    /// See the type invariants.
    pub(super) unsafe fn new(
        dev: &'a Device<Bound>,
        driver: DriverOps,
        line: Option<NonNull<Line<'a>>>,
    ) -> Self {
        // INVARIANT: The caller guarantees that `driver` and `line` are valid (safety
        // requirements).
        Self { dev, driver, line }
    }

    /// # Safety
    ///
    /// `this` must be a valid `ConfigInterrupt`.
    #[doc(alias = "vp_config_changed")]
    pub(super) unsafe extern "C" fn hard(_irq: c_int, this: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `this` points to a valid `ConfigInterrupt` (safety requirement).
        let this = unsafe { &*this.cast::<ConfigInterrupt<'_>>() };
        match this.line {
            // SAFETY: `line` is valid (type invariant).
            Some(line) if !unsafe { line.as_ref() }.take_config_changed() => {
                bindings::irqreturn::IRQ_NONE
            }
            _ => bindings::irqreturn::IRQ_WAKE_THREAD,
        }
    }

    /// # Safety
    ///
    /// `this` must be a valid `ConfigInterrupt`.
    #[doc(alias = "virtio_config_changed")]
    pub(super) unsafe extern "C" fn thread(
        _irq: c_int,
        this: *mut c_void,
    ) -> bindings::irqreturn_t {
        // SAFETY: `this` points to a valid `ConfigInterrupt` (safety requirement).
        unsafe { &*this.cast::<ConfigInterrupt<'_>>() }.handle();
        bindings::irqreturn::IRQ_HANDLED
    }

    fn handle(&self) {
        let dev = self.dev;
        if !dev.life().has_started() {
            // The device is not in use, so it needs neither a reset nor its driver.
            return;
        }
        if dev.needs_reset() {
            dev.request_reset();
        } else if dev.is_connected() {
            // SAFETY: The driver data of `dev` belongs to `driver` (type invariant).
            unsafe { (self.driver.config_changed)(dev) };
        }
    }
}
