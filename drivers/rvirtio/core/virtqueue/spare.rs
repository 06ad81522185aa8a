// SPDX-License-Identifier: GPL-2.0

//! Rings that can replace that of a queue.

use super::{
    buffers::Buffers,
    create::Parts,
    handle::QueueHandle, //
};
use crate::spec::feature;
use kernel::prelude::*;

/// A ring that does not belong to a queue, and that the device does not access.
pub struct SpareRing<'bound, T: Buffers> {
    pub(super) handle: QueueHandle<'bound>,
    pub(super) parts: Parts<'bound, T>,
    /// Whether the ring was not used since it was created.
    pub(super) fresh: bool,
}

impl<'bound> QueueHandle<'bound> {
    /// Allocates another ring of `size` descriptors, which
    /// [`Start::enable_with`](crate::Start::enable_with) can give to the queue. May sleep.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if `size` is 0, larger than [`QueueHandle::max_size`] or, for a split ring, not a
    /// power of two; [`ENOMEM`].
    pub fn ring<T: Buffers>(&self, size: u16) -> Result<SpareRing<'bound, T>> {
        let possible = self.features.contains(feature::RING_PACKED) || size.is_power_of_two();
        if size == 0 || size > self.max_size() || !possible {
            return Err(EINVAL);
        }
        Ok(SpareRing {
            handle: *self,
            parts: Parts::new(self, size, size)?,
            fresh: true,
        })
    }
}
