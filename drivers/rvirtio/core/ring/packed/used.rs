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
    /// Returns the next buffer that the device has used, or `None` if there is none now.
    ///
    /// What this does for callbacks is described [for both layouts](crate::ring#callbacks). If it
    /// returns a buffer, it also has published what was added before.
    ///
    /// The `WRITE` flag of the used descriptor is ignored: it should tell whether the length means
    /// anything, but QEMU never sets it. What was not writable was not written, whatever the
    /// length.
    ///
    /// # Errors
    ///
    /// What the device did, if it has broken the rules; all later calls return the same.
    #[doc(alias = "virtqueue_get_buf_ctx_packed")]
    #[inline]
    pub fn pop_used(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        let Some(report) = self.look_and_settle()? else {
            return Ok(None);
        };
        // Whatever the device names, it is something that was published.
        self.publish();
        let used = self.take_used(report)?;
        self.rearm();
        Ok(Some(used))
    }

    /// Returns the buffers that are used one after the other from here. Publishes what was added
    /// before.
    ///
    /// Callbacks stay as they are. What is not taken from the iterator remains to be popped.
    #[inline]
    pub fn used(&mut self) -> Used<'_, M, S> {
        self.publish();
        Used {
            ring: self,
            ended: false,
        }
    }

    /// Like [`look`](Self::look), and brings the event up to date if nothing is found.
    #[inline]
    fn look_and_settle(&mut self) -> Result<Option<Report>, Violation> {
        match self.look()? {
            None if self.settle() => self.look(),
            found => Ok(found),
        }
    }

    /// Returns what the device has reported of the next buffer, if that is used.
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
        // The length must be read after the flags. The id was read together with them.
        self.mem.barriers().rmb();
        // CAST: the id is the low half.
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

    /// Pops the next buffer, of which the device has reported `report`; all buffers are published.
    #[inline]
    fn take_used(&mut self, report: Report) -> Result<UsedBuffer, Violation> {
        if self.in_order {
            return self.take_in_order(report);
        }
        let Report { id, len } = report;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        Ok(UsedBuffer {
            token: Token(id),
            written: len.min(writable),
        })
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
        // INVARIANT: One buffer less. In order, it is the oldest one. At most all descriptors are
        // free, so the addition does not wrap.
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

/// Iterates over used buffers, without a look at callbacks; see [`Ring::used`].
///
/// It ends with the first violation.
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
