// SPDX-License-Identifier: GPL-2.0

//! Adding buffers: single descriptors, lists of them, and tables.

use super::{
    Memory,
    Pending,
    Position,
    Ring, //
};
use crate::{
    ring::{
        segment::{
            check_count,
            in_order,
            Sums, //
        },
        Access,
        AddError,
        Segment,
        Shadow,
        Token, //
    },
    spec::ring::{
        DESC_F_INDIRECT,
        DESC_F_NEXT, //
    },
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// See [`Ring::add_one`](crate::ring::Ring::add_one).
    #[inline(always)]
    pub fn add_one(&mut self, segment: Segment, access: Access) -> Result<Token, AddError> {
        self.state.takes_buffers()?;
        let writable = segment.writable(access)?;
        self.add_desc(segment, access.flags(), writable)
    }

    /// See [`Ring::add_indirect`](crate::ring::Ring::add_indirect).
    #[doc(alias = "virtqueue_add_indirect_packed")]
    #[inline(always)]
    pub fn add_indirect(&mut self, table: Segment, writable_len: u32) -> Result<Token, AddError> {
        self.state.takes_buffers()?;
        table.check_table(self.table_max)?;
        self.add_desc(table, DESC_F_INDIRECT, writable_len)
    }

    /// See [`Ring::add_chain`](crate::ring::Ring::add_chain).
    #[doc(alias = "virtqueue_add_packed")]
    #[inline]
    pub fn add_chain(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        let mut chain = self.begin()?;
        in_order(readable, writable).for_each(|(segment, access)| chain.push(segment, access));
        chain.finish()
    }

    /// Begins a buffer of several elements, which is added by [`Chain::finish`].
    ///
    /// # Errors
    ///
    /// [`AddError::Broken`].
    #[inline]
    pub fn begin(&mut self) -> Result<Chain<'_, M, S>, AddError> {
        self.state.takes_buffers()?;
        Ok(Chain {
            next: self.next_avail,
            last: self.next_avail,
            ring: self,
            count: 0,
            first_flags: 0,
            last_flags: 0,
            sums: Sums::default(),
        })
    }

    /// Adds a buffer that consists of the next descriptor.
    #[inline(always)]
    fn add_desc(&mut self, segment: Segment, flags: u16, writable: u32) -> Result<Token, AddError> {
        if self.num_free == 0 {
            return Err(AddError::Full);
        }
        let position = self.next_avail;
        self.write_element(position, segment);
        self.make_available(position.next(self.size), flags, 1, writable)
    }

    #[inline]
    fn write_element(&self, position: Position, segment: Segment) {
        let desc = self.mem.desc(position.slot());
        desc.addr.write(segment.addr);
        desc.len.write(segment.len);
    }

    /// Adds a buffer that consists of the next `count` descriptors, up to `end`. They are written,
    /// except for the last cell of the first, whose flags are `flags` and those that make it
    /// available.
    #[inline(always)]
    fn make_available(
        &mut self,
        end: Position,
        flags: u16,
        count: u16,
        writable: u32,
    ) -> Result<Token, AddError> {
        let id = self.free_id;
        // There always is an entry (type invariant); returning an error costs less than a panic.
        let entry = self
            .shadow
            .get_mut(usize::from(id))
            .ok_or(AddError::Broken)?;
        entry.count = count;
        entry.writable = writable;
        self.free_id = entry.next;

        let position = self.next_avail;
        let meta = position.available(id, flags);
        if self.added == self.published {
            self.pending = Pending { position, meta };
        } else {
            // This is not visible before the pending descriptor.
            self.mem.desc(position.slot()).meta.write(meta);
        }
        // INVARIANT: There is one more buffer, with the first free id and the next descriptors.
        // Callers check that there are `count` free ones, so the subtraction does not wrap.
        self.next_avail = end;
        self.num_free = self.num_free.wrapping_sub(count);
        self.added = self.added.wrapping_add(1);
        self.undecided = self.undecided.wrapping_add(count.into());
        Ok(Token(id))
    }
}

/// A buffer of several elements that is being added.
///
/// If it is dropped without [`finish`](Self::finish), the ring is unchanged.
///
/// # Invariants
///
/// The next `count` descriptors of the ring are written, or all free ones if these are fewer. The
/// first of them, whose flags are to be `first_flags`, has no flags yet; the others are available, and
/// say that there is a next one. The last of them is at `last`, with `last_flags` for its element, and
/// `next` is the position after it.
pub struct Chain<'a, M: Memory, S: DerefMut<Target = [Shadow]>> {
    ring: &'a mut Ring<M, S>,
    /// The number of elements, which may be more than there is room for.
    count: u32,
    next: Position,
    last: Position,
    first_flags: u16,
    last_flags: u16,
    sums: Sums,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Chain<'_, M, S> {
    /// Adds one element. Those that the device reads have to come before those that it writes.
    ///
    /// Errors are returned by [`finish`](Self::finish).
    #[inline]
    pub fn push(&mut self, segment: Segment, access: Access) {
        let position = self.next;
        let count = self.count;
        self.count = count.saturating_add(1);
        if count >= self.ring.num_free.into() {
            return;
        }
        let flags = access.flags() | DESC_F_NEXT;
        self.ring.write_element(position, segment);
        if count == 0 {
            self.first_flags = flags;
        } else {
            self.write_flags(position, flags);
        }
        // INVARIANT: One more descriptor is written.
        self.last = position;
        self.last_flags = access.flags();
        self.next = position.next(self.ring.size);
        self.sums.add(segment, access);
    }

    /// Adds the buffer.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn finish(mut self) -> Result<Token, AddError> {
        let count = check_count(self.count, self.ring.num_free, self.ring.capacity)?;
        let writable = self.sums.writable()?;
        if count == 1 {
            self.first_flags = self.last_flags;
        } else {
            self.write_flags(self.last, self.last_flags);
        }
        let token = self
            .ring
            .make_available(self.next, self.first_flags, count, writable)?;
        // INVARIANT: No descriptor after `next_avail` is written.
        self.count = 0;
        Ok(token)
    }

    #[inline]
    fn write_flags(&self, position: Position, flags: u16) {
        let meta = position.available(self.ring.free_id, flags);
        self.ring.mem.desc(position.slot()).meta.write(meta);
    }

    /// Makes all descriptors unavailable again, except for the first one, which is not available.
    ///
    /// The device has not read them, because the one before them is not available.
    #[cold]
    fn undo(&mut self) {
        let mut position = self.ring.next_avail;
        for _ in 1..self.count.min(self.ring.num_free.into()) {
            position = position.next(self.ring.size);
            let desc = self.ring.mem.desc(position.slot());
            desc.meta.write(position.vacant());
        }
    }
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Drop for Chain<'_, M, S> {
    #[inline]
    fn drop(&mut self) {
        if self.count != 0 {
            self.undo();
        }
    }
}
