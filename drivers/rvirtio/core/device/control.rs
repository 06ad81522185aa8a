// SPDX-License-Identifier: GPL-2.0

//! The interface between a device and its driver for starting and stopping.

use super::{
    budget::Budget,
    life::Epoch,
    Assignment,
    Device, //
};
use crate::spec::feature::Features;
use core::ptr;
use kernel::{
    device::Bound,
    fmt,
    prelude::*, //
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
    pub(crate) can_restart: unsafe fn(&Device<Bound>) -> bool,
    pub(crate) quiesce: unsafe fn(&Device<Bound>, Why),
    pub(crate) resume: unsafe fn(&Device<Bound>, Outcome),
    pub(crate) show: unsafe fn(&Device<Bound>, &mut fmt::Formatter<'_>) -> fmt::Result,
}

/// Why a device, or a queue, is stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The device has failed. It is started again.
    Recovery,
    /// The machine is suspended. The device is started again when it wakes.
    Suspend,
    /// The transport resets the device, for example by a function-level reset (FLR) of PCI, and it
    /// is started again after that.
    Reset,
    /// The device is not started again: its driver is unbound, the machine is shut down, or the
    /// device has failed for good.
    End,
    /// The driver resets the queue itself, by
    /// [`QueueHandle::reset`](crate::virtqueue::QueueHandle::reset).
    QueueReset,
}

/// What has become of a device that was stopped to be started again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is running.
    Running,
    /// It cannot be used. It may be started again later, for example when an administrator requests
    /// it.
    Dead,
}

/// A reason for which a transport keeps a device stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The machine is suspended or hibernated.
    Suspend,
    /// The transport resets the device.
    Reset,
    /// The transport has failed, and recovers.
    Error,
}

impl Hold {
    pub(crate) fn why(self) -> Why {
        match self {
            Self::Suspend => Why::Suspend,
            Self::Reset | Self::Error => Why::Reset,
        }
    }
}

/// The holds that are in force. They can be nested: the device is started when none is left.
#[derive(Clone, Copy, Default)]
pub(crate) struct Holds {
    suspend: bool,
    reset: bool,
    error: bool,
}

impl Holds {
    /// Sets whether `hold` is in force, and returns whether it was.
    pub(crate) fn set(&mut self, hold: Hold, in_force: bool) -> bool {
        let field = match hold {
            Hold::Suspend => &mut self.suspend,
            Hold::Reset => &mut self.reset,
            Hold::Error => &mut self.error,
        };
        core::mem::replace(field, in_force)
    }

    pub(crate) fn any(self) -> bool {
        self.suspend || self.reset || self.error
    }
}

/// The state behind the control lock, which is held to start or stop the device or a queue of it.
///
/// # Invariants
///
/// While `driver` is set, the driver data of the device's `struct device` belongs to that driver.
#[derive(Default)]
pub(crate) struct Control {
    pub(crate) driver: Option<DriverOps>,
    /// The features that the driver has accepted, which a device that is started again must offer.
    pub(crate) features: Features,
    /// Whether the driver has started the device, and may start it again.
    pub(crate) restartable: bool,
    /// Whether the driver was told to quiesce, and was not told of the outcome yet.
    pub(crate) quiesced: bool,
    /// Whether the device is out of use, but was not reset, because it cannot be accessed.
    pub(crate) cut_off: bool,
    pub(crate) holds: Holds,
    pub(crate) budget: Budget,
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
    why: Why,
    confirmed: bool,
}

impl<'s> Stopped<'s> {
    /// Creates the proof. The caller must hold the control lock for `'s`, and must have reset
    /// `scope`. `confirmed` is whether the device has confirmed the reset.
    pub(crate) fn new(dev: &'s Device<Bound>, scope: Scope, why: Why, confirmed: bool) -> Self {
        // INVARIANT: The caller has reset `scope`, and only the holder of the lock enables queues.
        Self {
            dev,
            scope,
            why,
            confirmed,
        }
    }

    /// Returns why the device or the queue was stopped.
    pub fn why(&self) -> Why {
        self.why
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
    /// A copy, because drivers enable queues with locks of their own held, among which are spinlocks.
    vectors: Assignment,
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
            vectors: dev.vectors().lock().assignment.clone(),
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
