// SPDX-License-Identifier: GPL-2.0

//! Connecting a driver's data with interrupts and a subsystem: the second half of the sequence of
//! virtio 1.4, 3.1.1.
//!
//! ```text
//! Connect --driver_ok()--> Ready
//! ```
//!
//! The lifetime `'a` is that of the pinned data, shorter than the `'bound` of what the data is made
//! of. The data's type cannot name it, so that no value in the data can refer to the data itself,
//! nor to anything that ends before it.

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

/// A device whose driver has its data, and whose queues are not enabled.
///
/// Invariant in `'a`: a shorter lifetime would let [`Kept::keep`] take guards that refer to
/// local variables. It stays in its thread, so that nothing is kept once the device is being
/// unbound.
pub struct Connect<'a> {
    kept: Kept<'a>,
    driver: DriverOps,
    handlers: KVec<Handler<'a>>,
}

/// What can keep guards.
///
/// # Invariants
///
/// `connections` are ended before `'a` ends, and with them all lifetimes that contain it.
pub struct Kept<'a> {
    dev: &'a Device<Bound>,
    connections: &'a Connections,
    _invariant: PhantomData<fn(&'a ()) -> &'a ()>,
    _not_shared: NotThreadSafe,
}

impl<'a> Kept<'a> {
    /// Returns the device.
    pub fn device(&self) -> &'a Device<Bound> {
        self.dev
    }

    /// Keeps a guard until the device is unbound. It is dropped before the driver's data, and after
    /// all guards that were kept later. Nobody gets a reference to it.
    ///
    /// # Errors
    ///
    /// Those of `guard`, and [`ENOMEM`].
    #[doc(alias = "devm_add_action_or_reset")]
    pub fn keep<G, E>(&self, guard: impl PinInit<G, E>) -> Result
    where
        G: Send + 'a,
        Error: From<E>,
    {
        // SAFETY: The connections are ended before `'a` ends (type invariant), and no lifetime in
        // `G` is shorter.
        unsafe { self.connections.keep(guard) }
    }
}

impl<'a> Deref for Connect<'a> {
    type Target = Kept<'a>;

    fn deref(&self) -> &Kept<'a> {
        &self.kept
    }
}

impl<'a> Connect<'a> {
    /// # Safety
    ///
    /// `connections` must be ended before `'a` ends. The driver data of `dev` must be that of
    /// `driver` for `'a`.
    pub(crate) unsafe fn new(
        dev: &'a Device<Bound>,
        connections: &'a Connections,
        driver: DriverOps,
    ) -> Self {
        // INVARIANT: By the safety requirements.
        let kept = Kept {
            dev,
            connections,
            _invariant: PhantomData,
            _not_shared: NotThreadSafe,
        };
        Self {
            kept,
            driver,
            handlers: KVec::new(),
        }
    }

    /// Registers `handler` as the interrupt handler of queue `index`. It is called from
    /// [`Connect::driver_ok`] on.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a queue without callback, [`ENOMEM`].
    #[doc(alias = "vp_request_msix_vectors")]
    pub fn request_irq<H: VqHandler>(&mut self, index: u16, handler: &'a H) -> Result {
        let callback = self.dev.vectors().lock().callback(index);
        if matches!(callback, None | Some(Callback::No)) {
            return Err(EINVAL);
        }
        let handler = Handler::new(index, handler);
        Ok(self.handlers.push(handler, GFP_KERNEL)?)
    }

    /// Requests the interrupts, has the queues enabled by [`Driver::start`](crate::Driver::start),
    /// and tells the device that the driver is ready: from now on it may use buffers.
    ///
    /// When the device is unbound it is reset after all guards have ended that are kept later, and
    /// before the interrupts are freed.
    ///
    /// # Errors
    ///
    /// Those of [`Driver::start`](crate::Driver::start), and what requesting interrupts returns.
    #[doc(alias = "virtio_device_ready")]
    pub fn driver_ok(self) -> Result<Ready<'a>> {
        let dev = self.dev;
        // SAFETY: It is kept, so dropped before `'a` ends, for which the driver's data is there
        // (safety requirements of `Connect::new`).
        self.keep::<_, Infallible>(unsafe {
            Interrupts::request(dev, self.driver, &self.handlers)
        }?)?;
        self.keep::<_, Infallible>(Stop { dev })?;
        // Before the guard above could reset a device that was not started properly.
        dev.start().inspect_err(|_| dev.give_up())?;
        Ok(Ready(self.kept))
    }
}

/// Stops the device.
struct Stop<'a> {
    dev: &'a Device<Bound>,
}

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.dev.stop();
    }
}

/// A device that runs: DRIVER_OK is set. What needs one, such as a disk, asks for this.
pub struct Ready<'a>(Kept<'a>);

impl<'a> Deref for Ready<'a> {
    type Target = Kept<'a>;

    fn deref(&self) -> &Kept<'a> {
        &self.0
    }
}

impl Ready<'_> {
    /// Returns the number of the interrupt of queue `index`, if it has one of its own.
    pub fn irq(&self, index: u16) -> Option<u32> {
        let vectors = self.dev.vectors().lock();
        let vector = vectors.of_queue(index).filter(|_| !vectors.shares(index))?;
        self.dev.transport().irq(vector).ok()
    }
}
