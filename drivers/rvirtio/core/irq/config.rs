// SPDX-License-Identifier: GPL-2.0

//! The interrupt of configuration changes, whose thread also takes care of devices that fail.

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
    },
    prelude::*, //
};

/// What the interrupt of configuration changes works with.
///
/// # Invariants
///
/// The driver data of `dev` is that of `driver` for as long as this exists. `line`, if there is
/// one, is valid for as long.
pub(super) struct ConfigInterrupt<'a> {
    dev: &'a Device<Bound>,
    driver: DriverOps,
    /// `None` when configuration changes have a vector of their own.
    line: Option<NonNull<Line<'a>>>,
}

// SAFETY: It stands for shared references to a device and a line, which are `Sync`.
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
        // INVARIANT: By the safety requirements.
        Self { dev, driver, line }
    }

    /// # Safety
    ///
    /// `this` must be a valid `ConfigInterrupt`.
    #[doc(alias = "vp_config_changed")]
    pub(super) unsafe extern "C" fn hard(_irq: c_int, this: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `this` is valid (safety requirement).
        let this = unsafe { &*this.cast::<ConfigInterrupt<'_>>() };
        match this.line {
            // SAFETY: The line is valid (type invariant).
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
        // SAFETY: `this` is valid (safety requirement).
        unsafe { &*this.cast::<ConfigInterrupt<'_>>() }.handle();
        bindings::irqreturn::IRQ_HANDLED
    }

    fn handle(&self) {
        let dev = self.dev;
        if !dev.life().has_started() {
            // It is not in use, or not any more: what it says is of no interest.
            return;
        }
        if dev.needs_reset() {
            dev_err!(dev, "device has failed and is reset\n");
            dev.stop();
        } else if dev.is_connected() {
            // SAFETY: The driver's data is there (type invariant).
            unsafe { (self.driver.config_changed)(dev) };
        }
    }
}
