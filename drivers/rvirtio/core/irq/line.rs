// SPDX-License-Identifier: GPL-2.0

//! Queues that share an interrupt: a vector, or the line of a device without vectors.

use super::handler::{
    into_raw,
    Handler, //
};
use crate::{
    device::Device,
    spec::pci::{
        ISR_CONFIG,
        ISR_QUEUE, //
    },
};
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::{
    bindings,
    device::Bound,
    ffi::{
        c_int,
        c_void, //
    },
    irq::IrqReturn,
    prelude::*, //
};

/// The handlers of queues that share an interrupt.
pub(super) struct SharedHandlers<'a>(pub(super) KVec<Handler<'a>>);

impl SharedHandlers<'_> {
    /// Calls all handlers. Returns whether one of them has handled something.
    fn call(&self) -> IrqReturn {
        let mut handled = IrqReturn::None;
        for handler in &self.0 {
            if matches!(handler.call(), IrqReturn::Handled) {
                handled = IrqReturn::Handled;
            }
        }
        handled
    }

    /// Handles the interrupt of a vector that queues share.
    ///
    /// # Safety
    ///
    /// `this` must be a valid `SharedHandlers`.
    #[doc(alias = "vp_vring_interrupt")]
    pub(super) unsafe extern "C" fn hard(_irq: c_int, this: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `this` points to a valid `SharedHandlers` (safety requirement).
        into_raw(unsafe { &*this.cast::<SharedHandlers<'_>>() }.call())
    }
}

/// An interrupt line for queues and configuration changes, maybe shared with other devices.
pub(super) struct Line<'a> {
    dev: &'a Device<Bound>,
    queues: SharedHandlers<'a>,
    /// Whether a configuration change was read from the interrupt status, which clears it there.
    config_changed: AtomicBool,
}

impl<'a> Line<'a> {
    pub(super) fn new(dev: &'a Device<Bound>, queues: SharedHandlers<'a>) -> Self {
        Self {
            dev,
            queues,
            config_changed: AtomicBool::new(false),
        }
    }

    /// Returns whether a configuration change was signalled since the last call.
    pub(super) fn take_config_changed(&self) -> bool {
        self.config_changed.swap(false, Ordering::Relaxed)
    }

    /// Handles the interrupt of the line.
    ///
    /// # Safety
    ///
    /// `line` must be a valid `Line`.
    #[doc(alias = "vp_interrupt")]
    pub(super) unsafe extern "C" fn hard(_irq: c_int, line: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `line` points to a valid `Line` (safety requirement).
        let line = unsafe { &*line.cast::<Line<'_>>() };
        if line.dev.is_held() {
            // The device may have no power, so this is the interrupt of another one.
            return bindings::irqreturn::IRQ_NONE;
        }
        let isr = line.dev.transport().read_isr();
        // All ones are read from a device that was unplugged.
        if isr == 0 || isr == u8::MAX {
            return bindings::irqreturn::IRQ_NONE;
        }
        if isr & ISR_CONFIG != 0 {
            line.config_changed.store(true, Ordering::Relaxed);
        }
        if isr & ISR_QUEUE != 0 {
            line.queues.call();
        }
        // Reading the status has acknowledged the interrupt, even if no queue has used buffers.
        bindings::irqreturn::IRQ_HANDLED
    }
}
