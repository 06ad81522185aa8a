// SPDX-License-Identifier: GPL-2.0

//! Connecting a driver's data to interrupts and a subsystem: the second half of the sequence of
//! virtio 1.4, 3.1.1.
//!
//! ```text
//! Connect --driver_ok()--> Ready
//! ```
//!
//! `'a` is the lifetime of the pinned data, and shorter than `'bound`, the lifetime of what the
//! data consists of. The type of the data cannot name `'a`, so no value in the data can refer to
//! the data itself, or to anything that ends before it.

use crate::{
    connections::Connections,
    device::{
        Device,
        DriverOps, //
    },
    irq::{
        Handler,
        Interrupts,
        VqHandler, //
    },
    vectors::Callback, //
};
use core::{
    convert::Infallible,
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    device::Bound,
    prelude::*,
    types::NotThreadSafe, //
};

/// A device whose driver data is initialised, and whose queues are not enabled.
///
/// It is invariant in `'a`: with a shorter lifetime, [`Binding::keep`] would accept guards that
/// refer to local variables. It cannot leave its thread, so nothing can be kept once the device is
/// being unbound.
pub struct Connect<'a> {
    binding: Binding<'a>,
    driver: DriverOps,
    handlers: KVec<Handler<'a>>,
}

/// A bound device, which keeps guards until it is unbound.
///
/// # Invariants
///
/// `Connections::end` is called for `connections` before `'a` ends, and thus before any lifetime
/// that contains `'a` ends.
pub struct Binding<'a> {
    dev: &'a Device<Bound>,
    connections: &'a Connections,
    _invariant: PhantomData<fn(&'a ()) -> &'a ()>,
    _not_shared: NotThreadSafe,
}

impl<'a> Binding<'a> {
    /// Returns the device.
    pub fn device(&self) -> &'a Device<Bound> {
        self.dev
    }

    /// Keeps a guard until the device is unbound. The guard is dropped before the driver's data,
    /// and after all guards that were kept later. No reference to it can be obtained.
    ///
    /// # Errors
    ///
    /// Those of initialising `guard`, and [`ENOMEM`].
    #[doc(alias = "devm_add_action_or_reset")]
    pub fn keep<G, E>(&self, guard: impl PinInit<G, E>) -> Result
    where
        G: Send + 'a,
        Error: From<E>,
    {
        // SAFETY: `Connections::end` is called before `'a` ends (type invariant), and `G: 'a`.
        unsafe { self.connections.keep(guard) }
    }
}

impl<'a> Deref for Connect<'a> {
    type Target = Binding<'a>;

    fn deref(&self) -> &Binding<'a> {
        &self.binding
    }
}

impl<'a> Connect<'a> {
    /// Creates the value that is passed to [`Driver::connect`](crate::Driver::connect).
    ///
    /// # Safety
    ///
    /// [`Connections::end`] must be called for `connections` before `'a` ends. The driver data of
    /// `dev` must belong to `driver` for `'a`.
    pub(crate) unsafe fn new(
        dev: &'a Device<Bound>,
        connections: &'a Connections,
        driver: DriverOps,
    ) -> Self {
        // INVARIANT: The caller calls `Connections::end` before `'a` ends (safety requirement).
        let binding = Binding {
            dev,
            connections,
            _invariant: PhantomData,
            _not_shared: NotThreadSafe,
        };
        Self {
            binding,
            driver,
            handlers: KVec::new(),
        }
    }

    /// Registers `handler` as the interrupt handler of queue `index`. The interrupt is requested by
    /// [`Connect::driver_ok`].
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a queue without a callback, and [`ENOMEM`].
    #[doc(alias = "vp_request_msix_vectors")]
    pub fn request_irq<H: VqHandler>(&mut self, index: u16, handler: &'a H) -> Result {
        let callback = self.dev.vectors().lock().assignment.callback(index);
        if matches!(callback, None | Some(Callback::No)) {
            return Err(EINVAL);
        }
        let handler = Handler::new(index, handler);
        Ok(self.handlers.push(handler, GFP_KERNEL)?)
    }

    /// Requests the interrupts, calls [`Driver::start`](crate::Driver::start) to enable the queues,
    /// and sets DRIVER_OK: from now on the device may use buffers.
    ///
    /// When the device is unbound, it is reset after all guards that are kept later were dropped,
    /// and before the interrupts are freed.
    ///
    /// # Errors
    ///
    /// Those of [`Driver::start`](crate::Driver::start), and those of requesting interrupts.
    #[doc(alias = "virtio_device_ready")]
    pub fn driver_ok(self) -> Result<Ready<'a>> {
        let dev = self.dev;
        // SAFETY: The interrupts are kept, so they are dropped before `'a` ends. The driver data of
        // `dev` belongs to `driver` for `'a` (safety requirements of `Connect::new`).
        self.keep::<_, Infallible>(unsafe {
            Interrupts::request(dev, self.driver, &self.handlers)
        }?)?;
        self.keep::<_, Infallible>(StopOnDrop { dev })?;
        // This comes before the guard above, which would reset the device without setting FAILED.
        dev.start().inspect_err(|_| dev.give_up())?;
        Ok(Ready(self.binding))
    }
}

/// A guard that stops the device when it is dropped.
struct StopOnDrop<'a> {
    dev: &'a Device<Bound>,
}

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.dev.stop();
    }
}

/// A device that is running: DRIVER_OK is set. Functions that need such a device, for example to
/// add a disk, take this.
pub struct Ready<'a>(Binding<'a>);

impl<'a> Deref for Ready<'a> {
    type Target = Binding<'a>;

    fn deref(&self) -> &Binding<'a> {
        &self.0
    }
}

impl Ready<'_> {
    /// Returns the interrupt number of queue `index`, if the queue has an interrupt of its own.
    pub fn irq(&self, index: u16) -> Option<u32> {
        let vectors = self.dev.vectors().lock().assignment.clone();
        let vector = vectors.of_queue(index).filter(|_| !vectors.shares(index))?;
        self.dev.transport().irq(vector).ok()
    }
}
