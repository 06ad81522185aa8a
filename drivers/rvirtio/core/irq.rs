// SPDX-License-Identifier: GPL-2.0

//! Interrupts of queues and of configuration changes.
//!
//! The kernel crate's registration neither lets us choose names at run time nor gives us threads
//! without a handler trait of its own. This one calls the front end's handler directly from the
//! kernel's interrupt code: there is no dispatcher in between.

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
    /// The device used buffers, probably. Called in hard interrupt context, and possibly when
    /// nothing was used.
    fn interrupt(&self);
}

/// Handles changes of the device's configuration, and its failure.
pub trait ConfigHandler: Sync {
    /// The configuration changed, or the device failed: [`Device::needs_reset`] tells. Called in
    /// a thread; may sleep.
    fn config_changed(&self);
}

/// An interrupt that was requested; dropping it waits for handlers that run, and frees it.
///
/// # Invariants
///
/// `irq` was requested with `dev_id`, and the kernel uses `name`.
pub(crate) struct Irq {
    irq: u32,
    dev_id: *mut c_void,
    _name: CString,
}

// SAFETY: An interrupt can be freed from any thread.
unsafe impl Send for Irq {}
// SAFETY: There are no methods.
unsafe impl Sync for Irq {}

type Hard = unsafe extern "C" fn(c_int, *mut c_void) -> bindings::irqreturn_t;

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
        // SAFETY: By the safety requirements; `name` lives until `free_irq`.
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
        // SAFETY: By the type invariant. `_name` is dropped after this.
        unsafe { bindings::free_irq(self.irq, self.dev_id) };
    }
}

/// Requests a queue's own interrupt.
///
/// # Safety
///
/// The result must be dropped before `handler` is, and not be forgotten.
pub(crate) unsafe fn request_queue<H: VqHandler>(
    irq: u32,
    name: CString,
    handler: Pin<&H>,
) -> Result<Irq> {
    extern "C" fn hard<H: VqHandler>(_irq: c_int, handler: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `handler` is valid while the interrupt is requested.
        unsafe { &*handler.cast::<H>() }.interrupt();
        bindings::irqreturn::IRQ_HANDLED
    }
    let dev_id: *const H = &*handler;
    // SAFETY: By the safety requirements.
    unsafe { Irq::request(irq, name, hard::<H>, None, 0, dev_id.cast_mut().cast()) }
}

/// The handlers of all queues, where they share an interrupt.
pub(crate) struct SharedQueues<'bound> {
    handlers: KVec<&'bound (dyn VqHandler + 'bound)>,
}

impl<'bound> SharedQueues<'bound> {
    pub(crate) fn new(handlers: KVec<&'bound (dyn VqHandler + 'bound)>) -> Self {
        Self { handlers }
    }
}

impl VqHandler for SharedQueues<'_> {
    fn interrupt(&self) {
        for handler in &self.handlers {
            handler.interrupt();
        }
    }
}

/// One interrupt line for queues and configuration, and maybe for other devices.
pub(crate) struct Line<'bound> {
    dev: &'bound Device<Bound>,
    queues: SharedQueues<'bound>,
    /// The interrupt status said "configuration", and reading it has cleared that.
    config_changed: AtomicBool,
}

impl<'bound> Line<'bound> {
    pub(crate) fn new(dev: &'bound Device<Bound>, queues: SharedQueues<'bound>) -> Self {
        Self {
            dev,
            queues,
            config_changed: AtomicBool::new(false),
        }
    }

    extern "C" fn hard(_irq: c_int, line: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `line` is valid while the interrupt is requested.
        let line = unsafe { &*line.cast::<Line<'_>>() };
        let isr = line.dev.transport().read_isr();
        // A device that was unplugged reads as all ones; it has no interrupts.
        if isr == 0 || isr == u8::MAX {
            return bindings::irqreturn::IRQ_NONE;
        }
        if isr & ISR_CONFIG != 0 {
            line.config_changed.store(true, Ordering::Relaxed);
        }
        if isr & ISR_QUEUE != 0 {
            line.queues.interrupt();
        }
        bindings::irqreturn::IRQ_HANDLED
    }
}

/// Requests the line. The configuration's handler, if there is one, is to be requested later:
/// the kernel calls the handlers of a line in the order of their requests.
///
/// # Safety
///
/// The result must be dropped before `line` is, and not be forgotten.
pub(crate) unsafe fn request_line(irq: u32, name: CString, line: Pin<&Line<'_>>) -> Result<Irq> {
    let dev_id: *const Line<'_> = &*line;
    // SAFETY: By the safety requirements.
    unsafe {
        Irq::request(
            irq,
            name,
            Line::hard,
            None,
            bindings::IRQF_SHARED,
            dev_id.cast_mut().cast(),
        )
    }
}

/// Calls a front end's handler of configuration changes.
pub(crate) struct ConfigIrq<'bound, H> {
    dev: &'bound Device<Bound>,
    handler: Pin<&'bound H>,
    /// `None` when configuration changes have a vector of their own.
    line: Option<Pin<&'bound Line<'bound>>>,
}

impl<'bound, H: ConfigHandler> ConfigIrq<'bound, H> {
    pub(crate) fn new(
        dev: &'bound Device<Bound>,
        handler: Pin<&'bound H>,
        line: Option<Pin<&'bound Line<'bound>>>,
    ) -> Self {
        Self { dev, handler, line }
    }

    extern "C" fn hard(_irq: c_int, this: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `this` is valid while the interrupt is requested.
        let this = unsafe { &*this.cast::<Self>() };
        match this.line {
            Some(line) if !line.config_changed.swap(false, Ordering::Relaxed) => {
                bindings::irqreturn::IRQ_NONE
            }
            _ => bindings::irqreturn::IRQ_WAKE_THREAD,
        }
    }

    extern "C" fn thread(_irq: c_int, this: *mut c_void) -> bindings::irqreturn_t {
        // SAFETY: `this` is valid while the interrupt is requested.
        let this = unsafe { &*this.cast::<Self>() };
        this.handler.config_changed();
        bindings::irqreturn::IRQ_HANDLED
    }
}

/// Requests the interrupt of configuration changes.
///
/// # Safety
///
/// The result must be dropped before `config` is, and not be forgotten.
pub(crate) unsafe fn request_config<H: ConfigHandler>(
    irq: u32,
    name: CString,
    config: Pin<&ConfigIrq<'_, H>>,
) -> Result<Irq> {
    let flags = if config.line.is_some() {
        bindings::IRQF_SHARED
    } else {
        0
    };
    let dev_id: *const ConfigIrq<'_, H> = &*config;
    let dev_id: *mut c_void = dev_id.cast_mut().cast();
    let hard = ConfigIrq::<H>::hard;
    let thread = ConfigIrq::<H>::thread;
    // SAFETY: By the safety requirements.
    let requested = unsafe { Irq::request(irq, name, hard, Some(thread), flags, dev_id) }?;
    config.dev.set_config_irq(irq, dev_id);
    Ok(requested)
}

impl<H> Drop for ConfigIrq<'_, H> {
    fn drop(&mut self) {
        // The interrupt is freed already; a failure that comes now wakes nobody.
        self.dev.set_config_irq(0, core::ptr::null_mut());
    }
}
