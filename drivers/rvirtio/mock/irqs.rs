// SPDX-License-Identifier: GPL-2.0

//! Interrupts that are only raised by software.

use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_int,
        c_uint, //
    },
    prelude::*, //
};

extern "C" {
    fn rvirtio_helper_irq_alloc_descs(count: c_uint) -> c_int;
    fn rvirtio_helper_irq_set_simple(irq: c_uint);
}

/// Interrupts with consecutive numbers.
///
/// # Invariants
///
/// The `count` descriptors from `base` on are allocated.
pub(crate) struct Irqs {
    base: u32,
    count: u16,
}

impl Irqs {
    /// Allocates `count` interrupts. Those from number `requestable` on cannot be requested.
    pub(crate) fn new(count: u16, requestable: u16) -> Result<Self> {
        // SAFETY: The function has no requirements.
        let base = unsafe { rvirtio_helper_irq_alloc_descs(count.into()) };
        to_result(base)?;
        // CAST: The number is not negative.
        let base = base as u32;
        // INVARIANT: The descriptors were just allocated.
        let this = Self { base, count };
        for vector in 0..count {
            let irq = base + u32::from(vector);
            // SAFETY: The descriptor is allocated (type invariant), and nobody else uses it yet.
            unsafe { rvirtio_helper_irq_set_simple(irq) };
            let refused = if vector < requestable {
                0
            } else {
                bindings::IRQ_NOREQUEST as usize
            };
            // SAFETY: The descriptor is allocated (type invariant), and nobody else uses it yet.
            unsafe { bindings::irq_modify_status(irq, bindings::IRQ_NOREQUEST as usize, refused) };
        }
        Ok(this)
    }

    /// Returns the number of interrupt `vector`, if there is one.
    pub(crate) fn number(&self, vector: u16) -> Option<u32> {
        (vector < self.count).then(|| self.base + u32::from(vector))
    }

    /// Returns the number of requested interrupts.
    pub(crate) fn requested(&self) -> usize {
        (0..self.count)
            .filter_map(|vector| self.number(vector))
            // SAFETY: The function has no requirements.
            .filter(|&irq| unsafe { bindings::irq_has_action(irq) })
            .count()
    }
}

impl Drop for Irqs {
    fn drop(&mut self) {
        if self.requested() == 0 {
            // SAFETY: The descriptors are allocated (type invariant), and nobody uses them any
            // more.
            unsafe { bindings::irq_free_descs(self.base, self.count.into()) }
        }
    }
}

/// Raises an interrupt: calls its handlers, and wakes their threads if they request it. Does
/// nothing if the interrupt was not requested.
pub(crate) fn raise(irq: u32) {
    // SAFETY: The function can be called from any context, with any number.
    let _ = unsafe { bindings::generic_handle_irq_safe(irq) };
}

/// Waits until handlers and threads have finished.
pub(crate) fn settle(irq: u32) {
    // SAFETY: The function has no requirements, except that it may sleep, which callers allow.
    unsafe { bindings::synchronize_irq(irq) }
}
