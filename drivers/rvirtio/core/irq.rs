// SPDX-License-Identifier: GPL-2.0

//! Interrupts of queues and of configuration changes.
//!
//! The kernel crate's registration neither lets us choose names at run time nor gives us threads
//! without a handler trait of its own. This one calls the front end's handler directly from the
//! kernel's interrupt code: there is no dispatcher in between.

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

/// Handles the interrupts of a queue.
pub trait VqHandler: Sync {
    /// Handles an interrupt. Called in hard interrupt context, and possibly when the device has
    /// used nothing. Returns whether it had: the kernel switches an interrupt off that nobody is
    /// responsible for.
    ///
    /// [`drain`](crate::virtqueue::drain) does what has to be done here.
    fn interrupt(&self) -> IrqReturn;
}

/// C's type of handlers.
type Hard = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;

fn into_raw(handled: IrqReturn) -> bindings::irqreturn_t {
    match handled {
        IrqReturn::None => bindings::irqreturn::IRQ_NONE,
        IrqReturn::Handled => bindings::irqreturn::IRQ_HANDLED,
    }
}

/// A [`VqHandler`] without its type, and the queue that it is for.
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

// SAFETY: It stands for a shared reference to a handler, which is `Sync`.
unsafe impl Send for Handler<'_> {}
// SAFETY: As above.
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
            // SAFETY: `handler` is valid (safety requirement).
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

    /// Calls the handler.
    fn call(&self) -> IrqReturn {
        // SAFETY: `'a`, for which this may be called (type invariant), has not ended. The handler
        // ignores the number of the interrupt.
        match unsafe { (self.hard)(0, self.data) } {
            bindings::irqreturn::IRQ_NONE => IrqReturn::None,
            _ => IrqReturn::Handled,
        }
    }
}

/// An interrupt that was requested; dropping it waits for handlers that run, and frees it.
///
/// # Invariants
///
/// `irq` was requested with `dev_id`, and the kernel uses `name`.
struct Irq {
    irq: u32,
    dev_id: *mut c_void,
    _name: CString,
}

// SAFETY: An interrupt can be freed from any thread.
unsafe impl Send for Irq {}
// SAFETY: There are no methods.
unsafe impl Sync for Irq {}

impl Irq {
    /// Requests an interrupt.
    ///
    /// # Safety
    ///
    /// `hard(irq, dev_id)` and, if there is one, `thread(irq, dev_id)` must be sound until the
    /// value is dropped, which must happen.
    #[inline(never)]
    unsafe fn request(
        irq: u32,
        name: CString,
        hard: Hard,
        thread: Option<Hard>,
        flags: u32,
        dev_id: *mut c_void,
    ) -> Result<Self> {
        // SAFETY: The handlers may be called (safety requirement); `name` lives until `free_irq`.
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
        // INVARIANT: It was just requested.
        Ok(Self {
            irq,
            dev_id,
            _name: name,
        })
    }
}

impl Drop for Irq {
    fn drop(&mut self) {
        // SAFETY: `irq` was requested with `dev_id` (type invariant). `_name` is dropped later.
        unsafe { bindings::free_irq(self.irq, self.dev_id) };
    }
}
