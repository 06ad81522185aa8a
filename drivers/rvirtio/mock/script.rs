// SPDX-License-Identifier: GPL-2.0

//! The record of the driver's calls, and the failures that a test requests.

use kernel::prelude::*;
use rvirtio::vectors::VectorRequest;

/// A call of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// The device was reset.
    Reset,
    /// The status was written.
    Status(u8),
    /// The accepted features were written.
    DriverFeatures,
    /// The queue was enabled.
    SetupQueue(u16),
    /// The queue was reset.
    ResetQueue(u16),
    /// Vectors were allocated.
    AllocVectors(VectorRequest),
    /// Configuration changes were routed to the first vector again.
    RouteConfigVector,
    /// The vectors were freed.
    FreeVectors,
    /// A byte of the configuration was written.
    ConfigWrite(u32),
}

/// A step that can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The device does not confirm its reset, and keeps using memory.
    Reset,
    /// The device does not keep FEATURES_OK.
    FeaturesOk,
    /// When the driver sets the first bit of the status, the device sets the second.
    StatusBit(u8, u8),
    /// The queue has no doorbell.
    Doorbell(u16),
    /// There are no vectors.
    AllocVectors,
    /// The device does not take the vector of configuration changes.
    RouteConfigVector,
    /// The vector has no interrupt.
    Irq(u16),
    /// The queue cannot be enabled.
    SetupQueue(u16),
    /// The device does not confirm the reset of the queue.
    ResetQueue(u16),
}

/// A failure that a test requests.
struct Fault {
    step: Step,
    /// The number of successes before it.
    successes: usize,
}

/// The largest number of calls that are recorded.
const CALLS: usize = 256;

/// The script of a test.
///
/// All memory is allocated in advance, because core holds spinlocks when it calls a transport.
pub(crate) struct Script {
    calls: KVec<Call>,
    faults: KVec<Fault>,
    /// The first rule that the driver has violated.
    broken: Option<&'static str>,
}

impl Script {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            calls: KVec::with_capacity(CALLS, GFP_KERNEL)?,
            faults: KVec::with_capacity(16, GFP_KERNEL)?,
            broken: None,
        })
    }

    /// Records a call.
    pub(crate) fn note(&mut self, call: Call) {
        if self.calls.push_within_capacity(call).is_err() {
            self.break_rule("more calls than are remembered");
        }
    }

    /// Returns the calls since the last time.
    pub(crate) fn take(&mut self) -> Result<KVec<Call>> {
        let empty = KVec::with_capacity(CALLS, GFP_ATOMIC)?;
        Ok(core::mem::replace(&mut self.calls, empty))
    }

    /// Makes `step` fail after `successes` successes.
    pub(crate) fn fail_after(&mut self, step: Step, successes: usize) -> Result {
        self.faults
            .push_within_capacity(Fault { step, successes })
            .map_err(|_| ENOMEM)
    }

    /// Cancels all failures, and returns the number of those that have not happened.
    pub(crate) fn forgive(&mut self) -> usize {
        let left = self.faults.len();
        self.faults.clear();
        left
    }

    /// Returns whether `step` has to fail this time.
    pub(crate) fn fails(&mut self, step: Step) -> bool {
        let Some(at) = self.faults.iter().position(|fault| fault.step == step) else {
            return false;
        };
        match self.faults.get_mut(at) {
            Some(fault) if fault.successes > 0 => {
                fault.successes -= 1;
                false
            }
            _ => self.faults.remove(at).is_ok(),
        }
    }

    /// Records that the driver has violated a rule.
    pub(crate) fn break_rule(&mut self, rule: &'static str) {
        self.broken.get_or_insert(rule);
    }

    pub(crate) fn broken(&self) -> Option<&'static str> {
        self.broken
    }
}
