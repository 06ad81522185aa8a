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
        let used = self.take_used()?;
        self.rearm();
        Ok(Some(used))
    }

    /// Returns an iterator over the buffers that one read of the used index finds, or that are left
    /// of an earlier read. Publishes all buffers that were added before.
    ///
    /// Callbacks do not change. Buffers that are not taken from the iterator can be popped later.
    #[inline]
    pub fn used(&mut self) -> Used<'_, M, S> {
        self.publish();
        Used {
            ring: self,
            looked: false,
        }
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
    fn take_used(&mut self) -> Result<UsedBuffer, Violation> {
        let used = if self.in_order {
            self.take_in_order()?
        } else {
            let Report { id, len } = self.read_used()?;
            let Some(writable) = self.release(id) else {
                return Err(self.violation(Violation::UsedIdNotInFlight { id }));
            };
            UsedBuffer::new(Token(id), len, writable)
        };
        // INVARIANT: One buffer less, and not past `used_seen`, which is ahead.
        self.last_used = self.last_used.wrapping_add(1);
        Ok(used)
    }

    /// Reads the next element of the used ring.
    #[inline]
    pub(super) fn read_used(&mut self) -> Result<Report, Violation> {
        let elem = self.mem.used_ring(self.last_used & self.mask);
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
        let free_head = self.free_head;
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        // INVARIANT: With `IN_ORDER`, the buffer follows the free list, which is extended by it.
        // Otherwise its chain is inserted at the head of the free list.
        if self.in_order {
            self.num_free = self.num_free.wrapping_add(count);
            return Some(writable);
        }
        if count == 1 {
            entry.next = free_head;
        } else {
            let mut last = id;
            for _ in 1..count {
                last = self.shadow.get(usize::from(last))?.next;
            }
            self.shadow.get_mut(usize::from(last))?.next = free_head;
        }
        self.free_head = id;
        // At most all descriptors are free, so this does not wrap.
        self.num_free = self.num_free.wrapping_add(count);
        Some(writable)
    }
}

/// An iterator over used buffers that does not change callbacks; see [`Ring::used`].
///
/// It ends after the first violation.
pub struct Used<'a, M, S> {
    ring: &'a mut Ring<M, S>,
    looked: bool,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Iterator for Used<'_, M, S> {
    type Item = Result<UsedBuffer, Violation>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        let ring = &mut *self.ring;
        if ring.last_used == ring.used_seen {
            if self.looked {
                return None;
            }
            self.looked = true;
            match ring.look() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(violation) => return Some(Err(violation)),
            }
        }
        self.looked = true;
        Some(ring.take_used())
    }
}
