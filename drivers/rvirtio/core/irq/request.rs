// SPDX-License-Identifier: GPL-2.0

//! The interrupts of a device, from when its driver connects until it is unbound.

use super::{
    config::ConfigInterrupt,
    line::{
        Line,
        SharedHandlers, //
    },
    Handler,
    Irq, //
};
use crate::{
    device::{
        Device,
        DriverOps,
        Vectors, //
    },
    vectors::IrqPolicy, //
};
use core::ptr::NonNull;
use kernel::{
    bindings,
    device::Bound,
    prelude::*,
    str::CString, //
};

/// All interrupts of a device.
///
/// Fields are dropped in order: what handlers work with comes after the interrupts.
pub(crate) struct Interrupts<'a> {
    config: Option<Irq>,
    queues: KVec<Irq>,
    config_interrupt: Option<KBox<ConfigInterrupt<'a>>>,
    shared: Option<KBox<SharedHandlers<'a>>>,
    line: Option<KBox<Line<'a>>>,
    dev: &'a Device<Bound>,
}

impl<'a> Interrupts<'a> {
    /// Requests the interrupts of all queues that `handlers` are for, and that of configuration
    /// changes. When they cannot be had, as vectors are allocated in advance but interrupts of CPUs
    /// are not, it makes do with fewer.
    ///
    /// # Errors
    ///
    /// What requesting the interrupt line returns.
    ///
    /// # Safety
    ///
    /// The value must be dropped, before `'a` ends; the driver data of `dev` must be that of
    /// `driver` until then.
    #[doc(alias = "vp_find_vqs")]
    pub(crate) unsafe fn request(
        dev: &'a Device<Bound>,
        driver: DriverOps,
        handlers: &[Handler<'a>],
    ) -> Result<Self> {
        loop {
            // SAFETY: By the safety requirements.
            match unsafe { Self::try_request(dev, driver, handlers) } {
                Err(error) if dev.alloc_fewer_vectors().is_err() => return Err(error),
                Err(_) => {}
                requested => return requested,
            }
        }
    }

    /// # Safety
    ///
    /// Those of [`Interrupts::request`].
    unsafe fn try_request(
        dev: &'a Device<Bound>,
        driver: DriverOps,
        handlers: &[Handler<'a>],
    ) -> Result<Self> {
        let vectors = dev.vectors().lock();
        let policy = vectors.policy.ok_or(EINVAL)?;
        let mut this = Self {
            config: None,
            queues: KVec::new(),
            config_interrupt: None,
            shared: None,
            line: None,
            dev,
        };
        let mut shared = KVec::new();
        for handler in handlers {
            if vectors.shares(handler.queue) {
                shared.push(*handler, GFP_KERNEL)?;
            } else {
                this.request_own(&vectors, handler)?;
            }
        }
        let shared = SharedHandlers(shared);
        if policy == IrqPolicy::Line {
            this.request_line(shared)?;
        } else if !shared.0.is_empty() {
            this.request_shared(shared)?;
        }
        // SAFETY: The driver's data is there for as long as `this` (safety requirement).
        unsafe { this.request_config(driver) }?;
        Ok(this)
    }

    /// Requests the interrupt of a queue that has a vector of its own.
    fn request_own(&mut self, vectors: &Vectors, handler: &Handler<'a>) -> Result {
        let name = vectors
            .names
            .get(usize::from(handler.queue))
            .ok_or(EINVAL)?;
        let name = CString::try_from_fmt(fmt!("{}", &**name))?;
        let vector = vectors.of_queue(handler.queue).ok_or(EINVAL)?;
        let irq = self.dev.transport().irq(vector)?;
        // SAFETY: The handler may be called for `'a`, and `self` is dropped before that ends.
        let irq = unsafe { Irq::request(irq, name, handler.hard, None, 0, handler.data) }?;
        Ok(self.queues.push(irq, GFP_KERNEL)?)
    }

    /// Requests the interrupt of the vector that queues share.
    fn request_shared(&mut self, handlers: SharedHandlers<'a>) -> Result {
        let name = CString::try_from_fmt(fmt!("{}-virtqueues", self.dev.as_ref().name()))?;
        let irq = self.dev.transport().irq(1)?;
        let handlers = self.shared.insert(KBox::new(handlers, GFP_KERNEL)?);
        let data = NonNull::from(&**handlers).as_ptr().cast();
        // SAFETY: `handlers` is dropped after `queues`.
        let irq = unsafe { Irq::request(irq, name, SharedHandlers::hard, None, 0, data) }?;
        Ok(self.queues.push(irq, GFP_KERNEL)?)
    }

    /// Requests the line. The kernel calls the handlers of a line in the order of their requests:
    /// this one comes before that of configuration changes.
    fn request_line(&mut self, handlers: SharedHandlers<'a>) -> Result {
        let name = CString::try_from_fmt(fmt!("{}", self.dev.as_ref().name()))?;
        let irq = self.dev.transport().irq(0)?;
        let line = KBox::new(Line::new(self.dev, handlers), GFP_KERNEL)?;
        let line = self.line.insert(line);
        let data = NonNull::from(&**line).as_ptr().cast();
        let flags = bindings::IRQF_SHARED;
        // SAFETY: `line` is dropped after `queues`.
        let irq = unsafe { Irq::request(irq, name, Line::hard, None, flags, data) }?;
        Ok(self.queues.push(irq, GFP_KERNEL)?)
    }

    /// Requests the interrupt of configuration changes.
    ///
    /// # Safety
    ///
    /// The driver data of the device must be that of `driver` for as long as `self` exists.
    unsafe fn request_config(&mut self, driver: DriverOps) -> Result {
        let name = CString::try_from_fmt(fmt!("{}-config", self.dev.as_ref().name()))?;
        let irq = self.dev.transport().irq(0)?;
        let line = self.line.as_ref().map(|line| NonNull::from(&**line));
        let flags = line.map_or(0, |_| bindings::IRQF_SHARED);
        // SAFETY: The driver's data is there (safety requirement), and `line` is dropped later.
        let interrupt = unsafe { ConfigInterrupt::new(self.dev, driver, line) };
        let interrupt = self
            .config_interrupt
            .insert(KBox::new(interrupt, GFP_KERNEL)?);
        let data = NonNull::from(&**interrupt).as_ptr().cast();
        let (hard, thread) = (ConfigInterrupt::hard, ConfigInterrupt::thread);
        // SAFETY: `interrupt` is dropped after `config`.
        let requested = unsafe { Irq::request(irq, name, hard, Some(thread), flags, data) }?;
        self.config = Some(requested);
        self.dev.set_config_irq(irq, data);
        Ok(())
    }
}

impl Drop for Interrupts<'_> {
    fn drop(&mut self) {
        // A failure that comes now wakes nobody.
        self.dev.set_config_irq(0, core::ptr::null_mut());
    }
}
