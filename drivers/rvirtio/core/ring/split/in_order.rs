// SPDX-License-Identifier: GPL-2.0

//! Used buffers of a device that uses them in order (virtio 1.4, 2.7.9 In-order use of
//! descriptors).

use super::{
    memory::Memory,
    Ring, //
};
use crate::ring::{
    buffer::{
        Report,
        Shadow, //
    },
    violation::Violation, //
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Returns the report about the oldest buffer, which is used: `used_seen` is past `last_used`.
    ///
    /// The device may write one element of the used ring for a batch of buffers. It has the id of
    /// the last one, and the position of the first one. The buffers before the last are completely
    /// used.
    #[doc(alias = "virtqueue_get_buf_ctx_split_in_order")]
    #[inline(never)]
    pub(super) fn next_in_order(&mut self) -> Result<Report, Violation> {
        let last = match self.batch {
            Some(last) => last,
            None => {
                let last = self.read_used(self.last_used)?;
                let held = self.shadow.get(usize::from(last.id));
                // The buffer is in the ring, so it is reached by popping from the oldest one on.
                if held.is_none_or(|entry| entry.count == 0) {
                    return Err(self.violation(Violation::UsedIdNotInFlight { id: last.id }));
                }
                self.batch = Some(last);
                last
            }
        };

        // The free list is followed by the oldest buffer.
        let id = self.free_head.wrapping_add(self.num_free) & self.mask;
        Ok(last.of_batch(id, &self.shadow))
    }
}
