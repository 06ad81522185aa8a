// SPDX-License-Identifier: GPL-2.0

//! The interface between a device and its driver for starting and stopping.

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

/// The functions of a driver that core calls for its device.
///
/// # Safety
///
/// The functions access the driver's data, so they may only be called while that exists.
#[derive(Clone, Copy)]
pub(crate) struct DriverOps {
    pub(crate) start: unsafe fn(&Device<Bound>, &mut Start<'_>) -> Result,
    pub(crate) reclaim: unsafe fn(&Device<Bound>, &Stopped<'_>),
    pub(crate) config_changed: unsafe fn(&Device<Bound>),
}

/// The state behind the control lock, which is held to start or stop the device or a queue of it.
///
/// # Invariants
///
/// While `driver` is set, the driver data of the device's `struct device` belongs to that driver.
pub(crate) struct Control {
    pub(crate) driver: Option<DriverOps>,
}

/// The part of a device that is being started or was stopped.
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

/// Proof that a device, or one of its queues, was stopped, so that buffers can be taken back.
///
/// Core creates it for the duration of one call to [`Driver::reclaim`](crate::Driver::reclaim); it
/// cannot be kept.
///
/// # Invariants
///
/// While this exists, no queue that `scope` covers is enabled. If `confirmed` is set, the device no
/// longer accesses them; otherwise it may still write to them.
pub struct Stopped<'s> {
    dev: &'s Device<Bound>,
    scope: Scope,
    confirmed: bool,
}

impl<'s> Stopped<'s> {
    /// Creates the proof. The caller must hold the control lock for `'s`, and must have reset
    /// `scope`. `confirmed` is whether the device has confirmed the reset.
    pub(crate) fn new(dev: &'s Device<Bound>, scope: Scope, confirmed: bool) -> Self {
        // INVARIANT: The caller has reset `scope`, and only the holder of the lock enables queues.
        Self {
            dev,
            scope,
            confirmed,
        }
    }

    /// Returns whether queue `index` of `dev` was stopped.
    pub(crate) fn covers(&self, dev: &Device<Bound>, index: u16) -> bool {
        ptr::eq(self.dev, dev) && self.scope.covers(index)
    }

    /// Returns whether the device has confirmed that it no longer accesses the memory.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.confirmed
    }
}

/// The right to enable queues; see [`Driver::start`](crate::Driver::start).
///
/// # Invariants
///
/// The control lock of `dev` is held for `'s`, and the device is in epoch `epoch`.
pub struct Start<'s> {
    dev: &'s Device<Bound>,
    scope: Scope,
    epoch: Epoch,
    /// Locked in advance, because drivers enable queues with a spinlock held.
    vectors: MutexGuard<'s, Vectors>,
}

impl<'s> Start<'s> {
    /// Creates the right. The caller must hold the control lock for `'s`, and the device must be in
    /// `epoch`.
    pub(crate) fn new(dev: &'s Device<Bound>, scope: Scope, epoch: Epoch) -> Self {
        // INVARIANT: The caller holds the lock, and the device is in `epoch`.
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

    /// Returns the epoch in which queue `index` of `dev` is to be enabled, or `None` if it is not
    /// to be enabled now.
    pub(crate) fn epoch(&self, dev: &Device<Bound>, index: u16) -> Option<Epoch> {
        let covered = ptr::eq(self.dev, dev) && self.scope.covers(index);
        covered.then_some(self.epoch)
    }
}
