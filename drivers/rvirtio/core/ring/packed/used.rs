// SPDX-License-Identifier: GPL-2.0

//! Popping used buffers.

use super::{
    memory::Memory,
    Ring, //
};
use crate::ring::{
    barriers::Barriers,
    buffer::{
        Report,
        Shadow,
        Token,
        UsedBuffer, //
    },
    segment::{
        Access,
        Segment, //
    },
    violation::Violation, //
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
        let used = self.take_next(report)?;
        self.rearm();
        Ok(Some(used))
    }

    /// Pops the used buffers from the current position on, and calls `each` for them. Publishes all
    /// buffers that were added before.
    ///
    /// Callbacks do not change.
    ///
    /// # Errors
    ///
    /// As [`pop_used`](Self::pop_used). Buffers that were popped before the violation was found have
    /// been passed on.
    #[inline(always)]
    pub fn take_used(&mut self, mut each: impl FnMut(UsedBuffer)) -> Result<(), Violation> {
        self.publish();
        while let Some(report) = self.look()? {
            each(self.take_next(report)?);
        }
        Ok(())
    }

    /// Returns the next used buffer, or `None` if there is none, and leaves it in the ring: it is
    /// popped by [`take`](Self::take) or [`again`](Self::again). Publishes all buffers that were
    /// added before.
    ///
    /// Callbacks do not change.
    ///
    /// # Errors
    ///
    /// As [`pop_used`](Self::pop_used).
    #[inline(always)]
    pub fn peek(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        self.publish();
        let Some(report) = self.look()? else {
            return Ok(None);
        };
        let report = self.next_of(report)?;
        match report.buffer(&self.shadow) {
            None => Err(self.violation(Violation::UsedIdNotInFlight { id: report.id })),
            found => Ok(found),
        }
    }

    /// Returns whether there seems to be a used buffer, by one look and without a barrier.
    #[doc(alias = "is_used_desc_packed")]
    #[inline]
    pub fn has_used(&self) -> bool {
        let meta = self.mem.desc(self.next_used.slot()).meta.read();
        self.in_order && self.batch.is_some() || self.next_used.is_used(meta)
    }

    /// Pops the buffer that [`peek`](Self::peek) has just returned.
    #[inline]
    pub fn take(&mut self, token: Token) {
        self.release(token.0);
    }

    /// Pops the buffer that [`peek`](Self::peek) has just returned, and adds it again as it is: a
    /// buffer of one element, which is `segment`. It keeps its token.
    ///
    /// Returns `false`, and does nothing, with `IN_ORDER`.
    #[inline(always)]
    pub fn again(&mut self, token: Token, segment: Segment, access: Access) -> bool {
        if self.in_order {
            return false;
        }
        self.take(token);
        // The id that was freed last is the first one to be used. Nothing fails: what was in the ring
        // is neither empty, nor are there no descriptors for it.
        self.add_one(segment, access).is_ok()
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
    #[inline(always)]
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
    fn take_next(&mut self, report: Report) -> Result<UsedBuffer, Violation> {
        let Report { id, len } = self.next_of(report)?;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        Ok(UsedBuffer::new(Token(id), len, writable))
    }

    /// Returns the report about the next buffer, where the device has returned `report`.
    #[inline]
    fn next_of(&mut self, report: Report) -> Result<Report, Violation> {
        if self.in_order {
            self.next_in_order(report)
        } else {
            Ok(report)
        }
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
            if self.batch.is_some_and(|last| last.id == id) {
                self.batch = None;
            }
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
