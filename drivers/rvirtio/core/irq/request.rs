// SPDX-License-Identifier: GPL-2.0

//! The interrupts of a device, from `driver_ok` until it is unbound.

use super::{
    config::ConfigInterrupt,
    handler::Handler,
    line::{
        Line,
        SharedHandlers, //
    },
    raw::Irq, //
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
/// Fields are dropped in order, so the data of the handlers comes after the interrupts.
pub(crate) struct Interrupts<'a> {
    config: Option<Irq>,
    queues: KVec<Irq>,
    config_interrupt: Option<KBox<ConfigInterrupt<'a>>>,
    shared: Option<KBox<SharedHandlers<'a>>>,
    line: Option<KBox<Line<'a>>>,
    dev: &'a Device<Bound>,
}

impl<'a> Interrupts<'a> {
    /// Requests the interrupts of all queues that have one of `handlers`, and that of configuration
    /// changes. If this fails, it tries again with fewer vectors: although they are allocated, the
    /// CPUs may have no room for their interrupts.
    ///
    /// # Errors
    ///
    /// Those of the last attempt.
    ///
    /// # Safety
    ///
    /// The value must be dropped, not leaked, before `'a` ends. The driver data of `dev` must
    /// belong to `driver` until then.
    #[doc(alias = "vp_find_vqs")]
    pub(crate) unsafe fn request(
        dev: &'a Device<Bound>,
        driver: DriverOps,
        handlers: &[Handler<'a>],
    ) -> Result<Self> {
        loop {
            // SAFETY: The value is dropped in time, and the driver data belongs to `driver` (safety
            // requirements).
            match unsafe { Self::try_request(dev, driver, handlers) } {
                Err(error) if dev.alloc_fewer_vectors().is_err() => return Err(error),
                Err(_) => {}
                requested => return requested,
            }
        }
    }

    /// # Safety
    ///
    /// See [`Interrupts::request`].
    unsafe fn try_request(
        dev: &'a Device<Bound>,
        driver: DriverOps,
        handlers: &[Handler<'a>],
    ) -> Result<Self> {
        let vectors = dev.vectors().lock();
        let policy = vectors.assignment.policy.ok_or(EINVAL)?;
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
            if vectors.assignment.shares(handler.queue) {
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
        // SAFETY: The driver data belongs to `driver` until `this` is dropped (safety
        // requirements).
        unsafe { this.request_config(driver) }?;
        Ok(this)
    }

    /// Requests the interrupt of a queue that has its own vector.
    fn request_own(&mut self, vectors: &Vectors, handler: &Handler<'a>) -> Result {
        let name = vectors
            .names
            .get(usize::from(handler.queue))
            .ok_or(EINVAL)?;
        let name = CString::try_from_fmt(fmt!("{}", &**name))?;
        let vector = vectors.assignment.of_queue(handler.queue).ok_or(EINVAL)?;
        let irq = self.dev.transport().irq(vector)?;
        // SAFETY: `hard` may be called with `data` during `'a`, and `self` is dropped before `'a`
        // ends.
        let irq = unsafe { Irq::request(irq, name, handler.hard, None, 0, handler.data) }?;
        Ok(self.queues.push(irq, GFP_KERNEL)?)
    }

    /// Requests the interrupt of the vector that queues share.
    fn request_shared(&mut self, handlers: SharedHandlers<'a>) -> Result {
        let name = CString::try_from_fmt(fmt!("{}-virtqueues", self.dev.as_ref().name()))?;
        let irq = self.dev.transport().irq(1)?;
        let handlers = self.shared.insert(KBox::new(handlers, GFP_KERNEL)?);
        let data = NonNull::from(&**handlers).as_ptr().cast();
        // SAFETY: `data` points to `self.shared`, which is dropped after `self.queues`.
        let irq = unsafe { Irq::request(irq, name, SharedHandlers::hard, None, 0, data) }?;
        Ok(self.queues.push(irq, GFP_KERNEL)?)
    }

    /// Requests the line. The kernel calls the handlers of a line in the order in which they were
    /// registered, so this one is called before that of configuration changes.
    fn request_line(&mut self, handlers: SharedHandlers<'a>) -> Result {
        let name = CString::try_from_fmt(fmt!("{}", self.dev.as_ref().name()))?;
        let irq = self.dev.transport().irq(0)?;
        let line = KBox::new(Line::new(self.dev, handlers), GFP_KERNEL)?;
        let line = self.line.insert(line);
        let data = NonNull::from(&**line).as_ptr().cast();
        let flags = bindings::IRQF_SHARED;
        // SAFETY: `data` points to `self.line`, which is dropped after `self.queues`.
        let irq = unsafe { Irq::request(irq, name, Line::hard, None, flags, data) }?;
        Ok(self.queues.push(irq, GFP_KERNEL)?)
    }

    /// Requests the interrupt of configuration changes.
    ///
    /// # Safety
    ///
    /// The driver data of the device must belong to `driver` for as long as `self` exists.
    unsafe fn request_config(&mut self, driver: DriverOps) -> Result {
        let name = CString::try_from_fmt(fmt!("{}-config", self.dev.as_ref().name()))?;
        let irq = self.dev.transport().irq(0)?;
        let line = self.line.as_ref().map(|line| NonNull::from(&**line));
        let flags = line.map_or(0, |_| bindings::IRQF_SHARED);
        // SAFETY: The driver data belongs to `driver` (safety requirement), and `self.line` is
        // dropped after `self.config_interrupt`.
        let interrupt = unsafe { ConfigInterrupt::new(self.dev, driver, line) };
        let interrupt = self
            .config_interrupt
            .insert(KBox::new(interrupt, GFP_KERNEL)?);
        let data = NonNull::from(&**interrupt).as_ptr().cast();
        let (hard, thread) = (ConfigInterrupt::hard, ConfigInterrupt::thread);
        // SAFETY: `data` points to `self.config_interrupt`, which is dropped after `self.config`.
        let requested = unsafe { Irq::request(irq, name, hard, Some(thread), flags, data) }?;
        self.config = Some(requested);
        self.dev.set_config_irq(irq, data);
        Ok(())
    }
}

impl Drop for Interrupts<'_> {
    fn drop(&mut self) {
        // From here on a failure does not wake the thread any more.
        self.dev.set_config_irq(0, core::ptr::null_mut());
    }
}
