// SPDX-License-Identifier: GPL-2.0

//! Creating queues, which are not enabled yet.

use super::setup::Setup;
use crate::{
    vectors::IrqPolicy,
    virtqueue::{
        Buffers,
        Virtqueue, //
    },
};
use core::ops::Deref;
use kernel::prelude::*;

/// A device with interrupt vectors, whose queues are being created.
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

    /// Returns how the interrupts of the device are delivered. If they cannot be requested later,
    /// [`Connect::driver_ok`](crate::Connect::driver_ok) falls back to a policy that needs fewer.
    pub fn irq_policy(&self) -> IrqPolicy {
        self.policy
    }

    /// Creates queue `index`, of which the driver uses at most `capacity` descriptors at a time. The
    /// ring can be larger or smaller, see [`Virtqueue::capacity`]. The queue is not enabled until
    /// [`Start::enable`](crate::Start::enable) is called.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a queue that was not passed to [`find_vqs`](super::Negotiated::find_vqs),
    /// that the device does not have, or that has an invalid size; [`ENOMEM`].
    #[doc(alias = "vring_create_virtqueue")]
    pub fn virtqueue<T: Buffers>(&self, index: u16, capacity: u16) -> Result<Virtqueue<'bound, T>> {
        if index >= self.queues {
            return Err(EINVAL);
        }
        Virtqueue::new(self.dma(), self.features(), index, capacity)
    }
}
