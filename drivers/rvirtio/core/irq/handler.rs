// SPDX-License-Identifier: GPL-2.0

//! The handlers of queues.

use core::marker::PhantomData;
use kernel::{
    bindings,
    ffi::{
        c_int,
        c_void, //
    },
    irq::IrqReturn, //
};

/// The interrupt handler of a queue.
pub trait VqHandler: Sync {
    /// Handles an interrupt. Called in hard interrupt context, possibly without any used buffer.
    /// Returns whether there was one: the kernel disables an interrupt that nobody handles.
    ///
    /// [`drain`](crate::virtqueue::drain) does everything that is necessary.
    fn interrupt(&self) -> IrqReturn;
}

/// The C type of interrupt handlers.
pub(super) type Hard = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;

pub(super) fn into_raw(handled: IrqReturn) -> bindings::irqreturn_t {
    match handled {
        IrqReturn::None => bindings::irqreturn::IRQ_NONE,
        IrqReturn::Handled => bindings::irqreturn::IRQ_HANDLED,
    }
}

/// A [`VqHandler`] without its type, and the index of its queue.
///
/// # Invariants
///
/// `hard(_, data)` may be called from any CPU for all of `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Handler<'a> {
    pub(super) queue: u16,
    pub(super) hard: Hard,
    pub(super) data: *mut c_void,
    _handler: PhantomData<&'a ()>,
}

// SAFETY: A `Handler` is a shared reference to a `VqHandler`, which is `Sync`.
unsafe impl Send for Handler<'_> {}
// SAFETY: A `Handler` is a shared reference to a `VqHandler`, which is `Sync`.
unsafe impl Sync for Handler<'_> {}

impl<'a> Handler<'a> {
    pub(crate) fn new<H: VqHandler>(queue: u16, handler: &'a H) -> Self {
        /// # Safety
        ///
        /// `handler` must be a valid `H`.
        unsafe extern "C" fn hard<H: VqHandler>(
            _irq: c_int,
            handler: *mut c_void,
        ) -> bindings::irqreturn_t {
            // SAFETY: `handler` points to a valid `H` (safety requirement).
            into_raw(unsafe { &*handler.cast::<H>() }.interrupt())
        }
        let data: *const H = handler;
        // INVARIANT: `handler` is borrowed for `'a`.
        Self {
            queue,
            hard: hard::<H>,
            data: data.cast_mut().cast(),
            _handler: PhantomData,
        }
    }

    /// Calls the handler directly.
    pub(super) fn call(&self) -> IrqReturn {
        // SAFETY: `hard` may be called during `'a` (type invariant), which has not ended. It
        // ignores the interrupt number.
        match unsafe { (self.hard)(0, self.data) } {
            bindings::irqreturn::IRQ_NONE => IrqReturn::None,
            _ => IrqReturn::Handled,
        }
    }
}
