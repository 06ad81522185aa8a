// SPDX-License-Identifier: GPL-2.0

//! Queues that the device does not know yet.

use super::Setup;
use crate::{
    vectors::IrqPolicy,
    virtqueue::{
        Buffers,
        Virtqueue, //
    },
};
use core::ops::Deref;
use kernel::prelude::*;

/// A device with interrupt vectors, whose queues are being made.
pub struct Configured<'bound> {
    setup: Setup<'bound>,
    queues: u16,
    policy: IrqPolicy,
}

impl<'bound> Deref for Configured<'bound> {
    type Target = Setup<'bound>;

    fn deref(&self) -> &Setup<'bound> {
        &self.setup
    }
}

impl<'bound> Configured<'bound> {
    pub(super) fn new(setup: Setup<'bound>, queues: u16, policy: IrqPolicy) -> Self {
        Self {
            setup,
            queues,
            policy,
        }
    }

    /// Returns how the device's interrupts are delivered. When they turn out not to be there after
    /// all, [`Connect::driver_ok`](crate::Connect::driver_ok) resorts to what takes fewer.
    pub fn irq_policy(&self) -> IrqPolicy {
        self.policy
    }

    /// Creates queue `index`, of which the driver uses at most `capacity` descriptors at a time. The
    /// ring can be larger or smaller: [`Virtqueue::capacity`] tells. The device is told of it by
    /// [`Start::enable`](crate::Start::enable).
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a queue that [`find_vqs`](super::Negotiated::find_vqs) was not told of, that
    /// the device does not have, or that has an invalid size; [`ENOMEM`].
    #[doc(alias = "vring_create_virtqueue")]
    pub fn virtqueue<T: Buffers>(&self, index: u16, capacity: u16) -> Result<Virtqueue<'bound, T>> {
        if index >= self.queues {
            return Err(EINVAL);
        }
        Virtqueue::new(self.dma(), self.features(), index, capacity)
    }
}
