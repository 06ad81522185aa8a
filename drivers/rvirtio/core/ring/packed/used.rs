// SPDX-License-Identifier: GPL-2.0

//! Popping used buffers.

use super::{
    Memory,
    Ring, //
};
use crate::ring::{
    buffer::Report,
    Barriers,
    Shadow,
    Token,
    UsedBuffer,
    Violation, //
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Returns the next buffer that the device has used, or `None` if there is none.
    ///
    /// Its effect on callbacks is described [for both layouts](crate::ring#callbacks). If it
    /// returns a buffer, it has also published all buffers that were added before.
    ///
    /// The `WRITE` flag of the used descriptor is ignored: it should show whether the length is
    /// valid, but QEMU never sets it. Memory that is not writable was not written, independent of
    /// the length.
    ///
    /// # Errors
    ///
    /// The violation, if the device has violated the specification; all later calls return the same
    /// one.
    #[doc(alias = "virtqueue_get_buf_ctx_packed")]
    #[inline]
    pub fn pop_used(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        let Some(report) = self.look_and_settle()? else {
            return Ok(None);
        };
        // The device can report any buffer, so all have to be published.
        self.publish();
        let used = self.take_used(report)?;
        self.rearm();
        Ok(Some(used))
    }

    /// Returns an iterator over the used buffers from the current position on. Publishes all
    /// buffers that were added before.
    ///
    /// Callbacks do not change. Buffers that are not taken from the iterator can be popped later.
    #[inline]
    pub fn used(&mut self) -> Used<'_, M, S> {
        self.publish();
        Used {
            ring: self,
            ended: false,
        }
    }

    /// Calls [`look`](Self::look), and updates the event if there is no used buffer.
    #[inline]
    fn look_and_settle(&mut self) -> Result<Option<Report>, Violation> {
        match self.look()? {
            None if self.settle() => self.look(),
            found => Ok(found),
        }
    }

    /// Returns the device's report of the next buffer, if it is used.
    #[inline]
    fn look(&mut self) -> Result<Option<Report>, Violation> {
        if !self.state.returns_buffers()? {
            return Ok(None);
        }
        if self.in_order {
            if let Some(last) = self.batch {
                return Ok(Some(last));
            }
        }
        let desc = self.mem.desc(self.next_used.slot());
        let meta = desc.meta.read();
        if !self.next_used.is_used(meta) {
            return Ok(None);
        }
        // The length must be read after the flags. The id was read with them.
        self.mem.barriers().rmb();
        // CAST: The id is the low half.
        let (id, len) = (meta as u16, desc.len.read());
        if id >= self.size {
            return Err(self.violation(Violation::UsedIdRange {
                id: u32::from(id),
                size: self.size,
            }));
        }
        if self.published == self.popped {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        }
        Ok(Some(Report { id, len }))
    }

    /// Pops the next buffer, for which the device has returned `report`. All buffers must be
    /// published.
    #[inline]
    fn take_used(&mut self, report: Report) -> Result<UsedBuffer, Violation> {
        if self.in_order {
            return self.take_in_order(report);
        }
        let Report { id, len } = report;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        Ok(UsedBuffer::new(Token(id), len, writable))
    }

    /// Frees the descriptors and the id of buffer `id` and returns the length of its writable
    /// part, or `None` if there is no such buffer.
    #[inline]
    pub(super) fn release(&mut self, id: u16) -> Option<u32> {
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        // INVARIANT: There is one buffer less; with `IN_ORDER`, it was the oldest one. At most all
        // descriptors are free, so the addition does not wrap.
        if self.in_order {
            self.oldest = entry.next;
        } else {
            entry.next = self.free_id;
            self.free_id = id;
        }
        self.num_free = self.num_free.wrapping_add(count);
        self.next_used = self.next_used.advanced(count, self.size);
        self.until_event = self.until_event.wrapping_sub(count.into());
        self.popped = self.popped.wrapping_add(1);
        Some(writable)
    }
}

/// An iterator over used buffers that does not change callbacks; see [`Ring::used`].
///
/// It ends after the first violation.
pub struct Used<'a, M, S> {
    ring: &'a mut Ring<M, S>,
    ended: bool,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Iterator for Used<'_, M, S> {
    type Item = Result<UsedBuffer, Violation>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let taken = match self.ring.look() {
            Ok(Some(report)) => self.ring.take_used(report),
            Ok(None) => {
                self.ended = true;
                return None;
            }
            Err(violation) => Err(violation),
        };
        self.ended = taken.is_err();
        Some(taken)
    }
}
