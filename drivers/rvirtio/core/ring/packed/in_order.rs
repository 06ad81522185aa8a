// SPDX-License-Identifier: GPL-2.0

//! Used buffers of a packed ring with a device that uses them in order (virtio 1.4, 2.8 Packed
//! Virtqueues).

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
    /// Returns the report about the oldest buffer, which is used: it belongs to the batch whose last
    /// buffer is `last`.
    ///
    /// The device may write one used descriptor for a batch of buffers. It has the id of the last
    /// one, and the position of the first one. The buffers before the last are completely used.
    #[doc(alias = "virtqueue_get_buf_ctx_packed_in_order")]
    #[inline(always)]
    pub(super) fn next_in_order(&mut self, last: Report) -> Result<Report, Violation> {
        // Most batches have one buffer, and each ends with one.
        if self.oldest == last.id {
            return Ok(last);
        }
        self.next_of_batch(last)
    }

    /// Does the same for a buffer that is not the last one of its batch.
    fn next_of_batch(&mut self, last: Report) -> Result<Report, Violation> {
        if self.batch.is_none() {
            if last.id >= self.size {
                return Err(self.no_such_buffer(last.id));
            }
            let available = self.published.wrapping_sub(self.popped);
            // Ids are consecutive, so this is the number of buffers before the last.
            let before = match last.id.checked_sub(self.oldest) {
                Some(before) => before,
                None => last.id.wrapping_add(self.size).wrapping_sub(self.oldest),
            };
            if before >= available {
                return Err(self.no_such_buffer(last.id));
            }
            self.batch = Some(last);
        }
        let id = self.oldest;
        Ok(last.of_batch(id, &self.shadow))
    }
}
