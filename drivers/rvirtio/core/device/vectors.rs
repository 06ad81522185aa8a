// SPDX-License-Identifier: GPL-2.0

//! The interrupt vectors of a bound device.

use crate::vectors::{
    Affinity,
    Callback,
    IrqPolicy, //
};
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc, //
};

/// The interrupt vectors of a device, from `find_vqs` until it is unbound.
#[derive(Default)]
pub(crate) struct Vectors {
    /// The names of the queues' interrupts.
    pub(crate) names: KVec<CString>,
    pub(crate) affinity: Option<Affinity>,
    pub(crate) assignment: Assignment,
}

/// Which queue has which vector. A copy stays right for as long as interrupts are requested.
#[derive(Clone, Default)]
pub(crate) struct Assignment {
    /// The policy that the vectors were allocated for.
    pub(crate) policy: Option<IrqPolicy>,
    pub(crate) callbacks: Option<Arc<KVec<Callback>>>,
}

impl Assignment {
    /// Returns the vector of queue `index`, if it has one.
    pub(crate) fn of_queue(&self, index: u16) -> Option<u16> {
        self.policy?.vector(self.callbacks(), index)
    }

    /// Returns whether queue `index` shares its interrupt with the other queues, if any.
    pub(crate) fn shares(&self, index: u16) -> bool {
        match self.policy {
            Some(IrqPolicy::PerQueue) => false,
            Some(IrqPolicy::SharedRare) => self.callback(index) == Some(Callback::Rare),
            Some(IrqPolicy::Shared | IrqPolicy::Line) | None => true,
        }
    }

    /// Returns how queue `index` interrupts, or `None` if there is no such queue.
    pub(crate) fn callback(&self, index: u16) -> Option<Callback> {
        self.callbacks().get(usize::from(index)).copied()
    }

    /// Returns how all queues interrupt.
    pub(crate) fn callbacks(&self) -> &[Callback] {
        self.callbacks.as_ref().map_or(&[], |callbacks| callbacks)
    }
}
