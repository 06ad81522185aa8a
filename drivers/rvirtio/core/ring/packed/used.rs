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
        if self.published != self.added {
            self.publish_rest(report.id)?;
        }
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
        let report = if self.in_order {
            self.next_in_order(report)?
        } else {
            report
        };
        match report.buffer(&self.shadow) {
            None => Err(self.no_such_buffer(report.id)),
            found => Ok(found),
        }
    }

    /// Returns whether there seems to be a used buffer, by one look and without a barrier.
    #[doc(alias = "is_used_desc_packed")]
    #[inline]
    pub fn has_used(&self) -> bool {
        let meta = self.mem.desc(self.next_used.slot()).meta.read();
        self.batch.is_some() || self.next_used.is_used(meta)
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

    /// Returns the device's report of the next buffer, if it is used. Its id is not checked.
    #[inline(always)]
    fn look(&mut self) -> Result<Option<Report>, Violation> {
        if !self.state.returns_buffers()? {
            return Ok(None);
        }
        if let Some(last) = self.batch {
            return Ok(Some(last));
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
        Ok(Some(Report { id, len }))
    }

    /// Pops the next buffer, for which the device has returned `report`. All buffers must be
    /// published.
    #[inline(always)]
    fn take_next(&mut self, report: Report) -> Result<UsedBuffer, Violation> {
        // One branch for all that depends on the order.
        let (Report { id, len }, writable) = if self.in_order {
            let report = self.next_in_order(report)?;
            (report, self.release_of(report.id, true))
        } else {
            (report, self.release_of(report.id, false))
        };
        let Some(writable) = writable else {
            return Err(self.no_such_buffer(id));
        };
        Ok(UsedBuffer::new(Token(id), len, writable))
    }

    /// Publishes the buffers that are not published yet, because the device, which has used buffer `id`,
    /// can report any buffer from now on. That it had none is an error.
    #[cold]
    fn publish_rest(&mut self, id: u16) -> Result<(), Violation> {
        if self.published == self.popped {
            return Err(self.no_such_buffer(id));
        }
        self.publish();
        Ok(())
    }

    /// Marks the ring broken: the device has used a buffer that is not in it.
    #[cold]
    pub(super) fn no_such_buffer(&mut self, id: u16) -> Violation {
        self.violation(if id < self.size {
            Violation::UsedIdNotInFlight { id }
        } else {
            Violation::UsedIdRange {
                id: u32::from(id),
                size: self.size,
            }
        })
    }

    /// Frees the descriptors and the id of buffer `id` and returns the length of its writable
    /// part, or `None` if there is no such buffer.
    #[inline]
    pub(super) fn release(&mut self, id: u16) -> Option<u32> {
        self.release_of(id, self.in_order)
    }

    /// Does the same. `in_order` is that of the ring, which its callers have looked at already.
    #[inline(always)]
    fn release_of(&mut self, id: u16, in_order: bool) -> Option<u32> {
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        // INVARIANT: There is one buffer less; with `IN_ORDER`, it was the oldest one. At most all
        // descriptors are free, so the addition does not wrap.
        if in_order {
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
