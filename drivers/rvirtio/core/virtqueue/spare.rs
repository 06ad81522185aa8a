// SPDX-License-Identifier: GPL-2.0

//! Rings that can replace that of a queue.

use super::{
    buffers::Buffers,
    create::Parts,
    handle::QueueHandle, //
};
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
    /// [`EINVAL`] unless [`QueueHandle::can_have`] the size; [`ENOMEM`].
    pub fn ring<T: Buffers>(&self, size: u16) -> Result<SpareRing<'bound, T>> {
        if !self.can_have(size) {
            return Err(EINVAL);
        }
        Ok(SpareRing {
            handle: *self,
            parts: Parts::new(self, size, size)?,
            fresh: true,
        })
    }
}
