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
    /// # Errors
    ///
    /// The violation, if the device has violated the specification; all later calls return the same
    /// one.
    #[doc(alias = "virtqueue_get_buf_ctx_split")]
    #[inline]
    pub fn pop_used(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        if self.last_used == self.used_seen && !self.look_and_settle()? {
            return Ok(None);
        }
        // The device can report any buffer, so all have to be published.
        self.publish();
        let used = self.take_next()?;
        self.rearm();
        Ok(Some(used))
    }

    /// Pops the buffers that one read of the used index finds, or that are left of an earlier read,
    /// and calls `each` for them. Publishes all buffers that were added before.
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
        if self.last_used == self.used_seen && !self.look()? {
            return Ok(());
        }
        // Of its own, so that nothing of it is checked for each buffer below.
        while self.in_order && self.last_used != self.used_seen {
            each(self.take_in_order()?);
        }
        let end = self.used_seen;
        let mut next = self.last_used;
        while next != end {
            let Report { id, len } = self.read_used(next)?;
            let Some(writable) = self.release_any(id) else {
                return Err(self.violation(Violation::UsedIdNotInFlight { id }));
            };
            next = next.wrapping_add(1);
            // INVARIANT: One buffer less, and not past `used_seen`, which is ahead.
            self.last_used = next;
            each(UsedBuffer::new(Token(id), len, writable));
        }
        Ok(())
    }

    #[inline(never)]
    fn take_in_order(&mut self) -> Result<UsedBuffer, Violation> {
        self.take_next()
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
        if self.last_used == self.used_seen && !self.look()? {
            return Ok(None);
        }
        let report = self.next_report()?;
        match report.buffer(&self.shadow) {
            None => Err(self.violation(Violation::UsedIdNotInFlight { id: report.id })),
            found => Ok(found),
        }
    }

    /// Returns whether there seems to be a used buffer, by one look and without a barrier.
    #[doc(alias = "more_used")]
    #[inline]
    pub fn has_used(&self) -> bool {
        self.mem.used_idx().read() != self.last_used
    }

    /// Pops the buffer that [`peek`](Self::peek) has just returned.
    #[inline]
    pub fn take(&mut self, token: Token) {
        if self.release(token.0).is_some() {
            // INVARIANT: One buffer less. `peek` found it before `used_seen`.
            self.last_used = self.last_used.wrapping_add(1);
        }
    }

    /// Pops the buffer that [`peek`](Self::peek) has just returned, and adds it again as it is: a
    /// buffer of one element, which is `segment`. It keeps its token.
    ///
    /// Returns `false`, and does nothing, with `IN_ORDER`.
    #[inline(always)]
    pub fn again(&mut self, token: Token, _segment: Segment, _access: Access) -> bool {
        if self.in_order {
            return false;
        }
        // The descriptor is as it was.
        self.mem.avail_ring(self.avail_idx).write(token.0);
        // INVARIANT: One buffer less, and one more.
        self.avail_idx = self.avail_idx.wrapping_add(1);
        self.undecided = self.undecided.wrapping_add(1);
        self.last_used = self.last_used.wrapping_add(1);
        true
    }

    /// Calls [`look`](Self::look), and updates the event if there is no used buffer.
    fn look_and_settle(&mut self) -> Result<bool, Violation> {
        Ok(self.look()? || self.settle() && self.look()?)
    }

    /// Reads `used.idx` after all known used buffers were popped, and returns whether it has moved.
    #[inline]
    fn look(&mut self) -> Result<bool, Violation> {
        if !self.state.returns_buffers()? {
            return Ok(false);
        }
        let used_idx = self.mem.used_idx().read();
        let used = used_idx.wrapping_sub(self.last_used);
        if used == 0 {
            return Ok(false);
        }
        let available = self.published.wrapping_sub(self.last_used);
        if used > available {
            return Err(self.violation(Violation::UsedIndex {
                used_idx,
                last_used: self.last_used,
                available,
            }));
        }
        // Elements of the used ring must be read after the index that covers them.
        self.mem.barriers().rmb();
        // INVARIANT: `used_idx` is between `last_used` and `published`.
        self.used_seen = used_idx;
        Ok(true)
    }

    /// Pops the next buffer: `used_seen` is past `last_used`, and all buffers are published.
    #[inline(always)]
    fn take_next(&mut self) -> Result<UsedBuffer, Violation> {
        let Report { id, len } = self.next_report()?;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        // INVARIANT: One buffer less, and not past `used_seen`, which is ahead.
        self.last_used = self.last_used.wrapping_add(1);
        Ok(UsedBuffer::new(Token(id), len, writable))
    }

    /// Returns the report about the next buffer: `used_seen` is past `last_used`, and all buffers are
    /// published.
    #[inline(always)]
    fn next_report(&mut self) -> Result<Report, Violation> {
        if self.in_order {
            self.next_in_order()
        } else {
            self.read_used(self.last_used)
        }
    }

    /// Reads an element of the used ring.
    #[inline(always)]
    pub(super) fn read_used(&mut self, index: u16) -> Result<Report, Violation> {
        let elem = self.mem.used_ring(index);
        let (id, len) = (elem.id.read(), elem.len.read());
        if id > u32::from(self.mask) {
            return Err(self.violation(Violation::UsedIdRange {
                id,
                size: self.size(),
            }));
        }
        // CAST: The id is at most the mask.
        let id = id as u16;
        Ok(Report { id, len })
    }

    /// Returns the descriptors of buffer `id` to the free list and the length of its writable
    /// part, or `None` if there is no such buffer.
    #[inline]
    pub(super) fn release(&mut self, id: u16) -> Option<u32> {
        if !self.in_order {
            return self.release_any(id);
        }
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        if self.batch.is_some_and(|last| last.id == id) {
            self.batch = None;
        }
        // INVARIANT: The buffer follows the free list, which is extended by it. At most all descriptors
        // are free, so this does not wrap.
        self.num_free = self.num_free.wrapping_add(count);
        Some(writable)
    }

    /// Does the same without `IN_ORDER`.
    #[inline(always)]
    fn release_any(&mut self, id: u16) -> Option<u32> {
        let free_head = self.free_head;
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        // INVARIANT: The chain of the buffer is inserted at the head of the free list. At most all
        // descriptors are free, so the sum does not wrap.
        if count == 1 {
            entry.next = free_head;
        } else {
            let second = usize::from(entry.next);
            let last = self.shadow.get(second)?.last();
            self.shadow.get_mut(usize::from(last))?.next = free_head;
        }
        self.free_head = id;
        self.num_free = self.num_free.wrapping_add(count);
        Some(writable)
    }
}
