// SPDX-License-Identifier: GPL-2.0

//! Adapting how long receive queues wait before they interrupt to what they receive.
//!
//! C header: [`include/linux/dim.h`](srctree/include/linux/dim.h)

use crate::{
    bindings,
    ethtool_coalesce::Moderation,
    helpers::*,
    napi::Napi,
    operations::Operations,
    pair::Pair, //
};
use core::sync::atomic::{
    AtomicBool,
    AtomicU16,
    AtomicU8,
    Ordering, //
};
use kernel::{
    bindings::work_struct,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// What a pair remembers to adapt.
///
/// # Invariants
///
/// If the device of the pair adapts, `raw` is set up for it. Otherwise it is not used.
pub(crate) struct Dim {
    raw: Opaque<bindings::dim>,
    on: AtomicBool,
    /// How often there was something to receive. One that polls counts.
    events: AtomicU16,
}

impl Dim {
    pub(crate) fn new() -> Self {
        Self {
            raw: Opaque::zeroed(),
            on: AtomicBool::new(false),
            events: AtomicU16::new(0),
        }
    }

    /// Sets a device up whose pairs can adapt.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    ///
    /// # Safety
    ///
    /// `dev` must be a network device of the driver, and not be registered. [`Dim::free`] must be called
    /// before it is freed, and if this has failed, neither.
    #[doc(alias = "net_dim_init_irq_moder")]
    pub(crate) unsafe fn init<T: Operations>(dev: *mut bindings::net_device) -> Result {
        // CAST: They are bits of eight.
        let (profile, fields) = (
            bindings::RVIRTIO_DIM_PROFILE_RX as u8,
            bindings::RVIRTIO_DIM_COALESCE as u8,
        );
        // SAFETY: It is a network device that nobody else uses (safety requirement).
        let result = to_result(unsafe {
            bindings::net_dim_init_irq_moder(dev, profile, fields, 0, 0, Some(adapt::<T>), None)
        });
        if result.is_err() {
            // SAFETY: The same. What it refers to was freed.
            unsafe { (*dev).irq_moder = core::ptr::null_mut() };
        }
        result
    }

    /// # Safety
    ///
    /// `dev` must be a network device that is not registered, and no pair of it be polled.
    #[doc(alias = "net_dim_free_irq_moder")]
    pub(crate) unsafe fn free(dev: *mut bindings::net_device) {
        // SAFETY: It is a network device, and nobody uses what is freed (safety requirement). It expects
        // the lock of all network configuration.
        unsafe {
            bindings::rtnl_lock();
            bindings::net_dim_free_irq_moder(dev);
            bindings::rtnl_unlock();
        }
    }
}

impl<T: Operations> Pair<T> {
    /// # Safety
    ///
    /// The device of the pair must have been set up by [`Dim::init`], and the pair be where it stays. Nobody
    /// may use it.
    pub(crate) unsafe fn init_dim(&self) {
        // SAFETY: They are a device that adapts, and memory for it that nobody uses (safety requirements).
        unsafe { bindings::net_dim_setting(self.dev(), self.dim.raw.get(), false) }
    }

    /// Returns whether the pair adapts.
    #[inline]
    pub fn is_adaptive(&self) -> bool {
        self.dim.on.load(Ordering::Relaxed)
    }

    /// Has the pair adapt, or not any more. Of no effect on a device that does not.
    pub fn set_adaptive(&self, on: bool) {
        // SAFETY: The device outlives the pair, and this does not change once it has pairs.
        let can = unsafe { !(*self.dev()).irq_moder.is_null() };
        self.dim.on.store(on && can, Ordering::Relaxed);
    }

    /// Waits until the pair, which is not polled, is not adapting.
    #[doc(alias = "net_dim_work_cancel")]
    pub(crate) fn cancel_dim(&self) {
        // SAFETY: As in `set_adaptive`.
        if unsafe { (*self.dev()).irq_moder.is_null() } {
            return;
        }
        let raw = self.dim.raw.get();
        // SAFETY: It is set up (type invariant of `Dim`).
        unsafe { bindings::net_dim_work_cancel(raw) };
        // If it was about to adapt, it would wait for that for ever.
        // SAFETY: It is set up (type invariant of `Dim`), and nobody changes the state: the pair is not polled.
        unsafe { start(raw) };
    }
}

impl<T: Operations> Napi<'_, T> {
    /// Looks at what the pair, which adapts, has received by now, and has [`Operations::adapt`] called if
    /// there is a reason to. To be called once for each poll after which there is an interrupt.
    #[doc(alias = "net_dim")]
    pub fn adapt(&mut self, frames: u64, bytes: u64) {
        let dim = &self.pair().dim;
        let events = dim.events.load(Ordering::Relaxed).wrapping_add(1);
        dim.events.store(events, Ordering::Relaxed);
        if self.pair().is_adaptive() {
            // SAFETY: It is set up, as the pair adapts. There is such a value in a poll only, of which there
            // is one at a time.
            unsafe { rvirtio_helper_net_dim(dim.raw.get(), events, frames, bytes) }
        }
    }
}

/// Has the next look be the first.
///
/// # Safety
///
/// `raw` must be valid.
unsafe fn start(raw: *mut bindings::dim) {
    // SAFETY: It is valid (safety requirement). Others only read it meanwhile.
    let state = unsafe { AtomicU8::from_ptr(&raw mut (*raw).state) };
    // CAST: It is 0.
    state.store(
        bindings::dim_state_DIM_START_MEASURE as u8,
        Ordering::Release,
    );
}

/// Passes the driver what has turned out to be good.
extern "C" fn adapt<T: Operations>(work: *mut work_struct) {
    // SAFETY: The work is part of what belongs to a pair, which is there until it was cancelled. While it is
    // to be done polls only look at the state.
    let (pair, raw, found) = unsafe {
        let raw: *mut bindings::dim = kernel::container_of!(work, bindings::dim, work);
        let dim: *const Opaque<bindings::dim> = raw.cast();
        let dim: *const Dim = kernel::container_of!(dim, Dim, raw);
        let pair = &*kernel::container_of!(dim, Pair<T>, dim);
        let found = bindings::net_dim_get_rx_irq_moder(pair.dev(), raw);
        (pair, raw, found)
    };
    let to = Moderation {
        frames: found.pkts.into(),
        usecs: found.usec.into(),
    };
    T::adapt(pair, to);
    // SAFETY: It is valid, see above.
    unsafe { start(raw) };
}
