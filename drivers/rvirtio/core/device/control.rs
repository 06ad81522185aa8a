// SPDX-License-Identifier: GPL-2.0

//! What a device and its driver tell each other when the device is started and stopped.

use super::{
    life::Epoch,
    Device,
    Vectors, //
};
use core::ptr;
use kernel::{
    device::Bound,
    prelude::*,
    sync::MutexGuard, //
};

/// The driver of a device, as far as starting and stopping goes.
///
/// # Safety
///
/// The functions find the driver's data in the device: they may be called only while that exists.
#[derive(Clone, Copy)]
pub(crate) struct DriverOps {
    pub(crate) start: unsafe fn(&Device<Bound>, &mut Start<'_>) -> Result,
    pub(crate) reclaim: unsafe fn(&Device<Bound>, &Stopped<'_>),
    pub(crate) config_changed: unsafe fn(&Device<Bound>),
}

/// Guarded by a mutex: who holds it starts or stops the device, or one of its queues.
///
/// # Invariants
///
/// While there is a `driver`, its data is what the device's `struct device` has as driver data.
pub(crate) struct Control {
    pub(crate) driver: Option<DriverOps>,
}

/// What is being started or was stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    /// The device with all its queues.
    Device,
    /// The queue with this index.
    Queue(u16),
}

impl Scope {
    fn covers(self, index: u16) -> bool {
        match self {
            Self::Device => true,
            Self::Queue(queue) => queue == index,
        }
    }
}

/// Proof that a device, or one of its queues, no longer uses the memory that it was told of.
///
/// Made by core for the duration of one call of [`Driver::reclaim`](crate::Driver::reclaim), and
/// cannot be kept.
///
/// # Invariants
///
/// For as long as this exists, no queue that `scope` covers is enabled. If `confirmed`, the device
/// has let go of them; otherwise it may go on writing.
pub struct Stopped<'s> {
    dev: &'s Device<Bound>,
    scope: Scope,
    confirmed: bool,
}

impl<'s> Stopped<'s> {
    /// The caller holds the control lock, and has reset what `scope` says. `confirmed` says
    /// whether the device has confirmed that.
    pub(crate) fn new(dev: &'s Device<Bound>, scope: Scope, confirmed: bool) -> Self {
        // INVARIANT: By the caller, as only the holder of the lock enables queues.
        Self {
            dev,
            scope,
            confirmed,
        }
    }

    /// Returns whether this is about queue `index` of `dev`.
    pub(crate) fn covers(&self, dev: &Device<Bound>, index: u16) -> bool {
        ptr::eq(self.dev, dev) && self.scope.covers(index)
    }

    /// Returns whether the device has confirmed that it has let go of the memory.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed
    }
}

/// The right to enable queues; see [`Driver::start`](crate::Driver::start).
///
/// # Invariants
///
/// The control lock of `dev` is held for `'s`, and the device is in the life `epoch`.
pub struct Start<'s> {
    dev: &'s Device<Bound>,
    scope: Scope,
    epoch: Epoch,
    /// Held here, as queues are enabled by drivers that hold a spinlock.
    vectors: MutexGuard<'s, Vectors>,
}

impl<'s> Start<'s> {
    /// The caller holds the control lock, and the device is in the life `epoch`.
    pub(crate) fn new(dev: &'s Device<Bound>, scope: Scope, epoch: Epoch) -> Self {
        // INVARIANT: By the caller.
        Self {
            dev,
            scope,
            epoch,
            vectors: dev.vectors().lock(),
        }
    }

    /// Returns the interrupt vector of a queue, if it has one.
    pub(crate) fn vector(&self, index: u16) -> Option<u16> {
        self.vectors.of_queue(index)
    }

    /// Returns the life in which queue `index` of `dev` is to be enabled, or `None` if that is not
    /// to be enabled now.
    pub(crate) fn epoch(&self, dev: &Device<Bound>, index: u16) -> Option<Epoch> {
        let covered = ptr::eq(self.dev, dev) && self.scope.covers(index);
        covered.then_some(self.epoch)
    }
}
