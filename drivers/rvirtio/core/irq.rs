// SPDX-License-Identifier: GPL-2.0

//! Interrupts of queues and of configuration changes.
//!
//! The kernel crate's registration does not support names that are chosen at run time, and its
//! threaded handlers need a trait of their own. Here the kernel's interrupt code calls the handler
//! of the front end directly, without a dispatcher in between.

mod config;
mod line;
mod request;
mod vectors;

pub(crate) use self::request::Interrupts;
pub use kernel::irq::IrqReturn;

use core::marker::PhantomData;
use kernel::{
    bindings,
    error::to_result,
    ffi::{
        c_int,
        c_void, //
    },
    prelude::*,
    str::CString, //
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
type Hard = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;

fn into_raw(handled: IrqReturn) -> bindings::irqreturn_t {
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
    queue: u16,
    hard: Hard,
    data: *mut c_void,
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
    fn call(&self) -> IrqReturn {
        // SAFETY: `hard` may be called during `'a` (type invariant), which has not ended. It
        // ignores the interrupt number.
        match unsafe { (self.hard)(0, self.data) } {
            bindings::irqreturn::IRQ_NONE => IrqReturn::None,
            _ => IrqReturn::Handled,
        }
    }
}

/// An interrupt that was requested. Dropping it waits for running handlers and frees it.
///
/// # Invariants
///
/// `irq` was requested with `dev_id`, and the kernel uses `name`.
struct Irq {
    irq: u32,
    dev_id: *mut c_void,
    _name: CString,
}

// SAFETY: `free_irq` can be called on any thread.
unsafe impl Send for Irq {}
// SAFETY: There are no methods that take a shared reference.
unsafe impl Sync for Irq {}

impl Irq {
    /// Requests an interrupt.
    ///
    /// # Safety
    ///
    /// It must be sound to call `hard(irq, dev_id)` and, if there is one, `thread(irq, dev_id)`
    /// until the value is dropped. The value must not be leaked.
    #[inline(never)]
    unsafe fn request(
        irq: u32,
        name: CString,
        hard: Hard,
        thread: Option<Hard>,
        flags: u32,
        dev_id: *mut c_void,
    ) -> Result<Self> {
        // SAFETY: The handlers may be called until `free_irq` (safety requirements), and `name` is
        // valid until then.
        to_result(unsafe {
            bindings::request_threaded_irq(
                irq,
                Some(hard),
                thread,
                flags as usize,
                name.as_char_ptr(),
                dev_id,
            )
        })?;
        // INVARIANT: `irq` was just requested, with `dev_id` and `name`.
        Ok(Self {
            irq,
            dev_id,
            _name: name,
        })
    }
}

impl Drop for Irq {
    fn drop(&mut self) {
        // SAFETY: `irq` was requested with `dev_id` (type invariant). `_name` is dropped
        // afterwards.
        unsafe { bindings::free_irq(self.irq, self.dev_id) };
    }
}
