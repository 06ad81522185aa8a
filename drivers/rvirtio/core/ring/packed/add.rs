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
        count: u16,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        let mut chain = self.begin(count)?;
        in_order(readable, writable).for_each(|(segment, access)| chain.push(segment, access));
        chain.finish()
    }

    /// Begins a buffer of `count` elements, which is added by [`Chain::finish`].
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn begin(&mut self, count: u16) -> Result<Chain<'_, M, S>, AddError> {
        self.state.takes_buffers()?;
        check_count(count, self.num_free, self.capacity)?;
        Ok(Chain {
            next: self.next_avail,
            ring: self,
            count,
            left: count,
            surplus: false,
            first_flags: 0,
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
/// - `next` is `count - left` descriptors after `next_avail` of the ring, which has at least
///   `count` free descriptors.
/// - Of the descriptors in between, the first has no flags yet, and the others are available.
pub struct Chain<'a, M: Memory, S: DerefMut<Target = [Shadow]>> {
    ring: &'a mut Ring<M, S>,
    count: u16,
    left: u16,
    next: Position,
    /// Whether there were more elements than `count`.
    surplus: bool,
    first_flags: u16,
    sums: Sums,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Chain<'_, M, S> {
    /// Adds one element. Those that the device reads have to come before those that it writes.
    ///
    /// Errors are returned by [`finish`](Self::finish).
    #[inline]
    pub fn push(&mut self, segment: Segment, access: Access) {
        let Some(left) = self.left.checked_sub(1) else {
            self.surplus = true;
            return;
        };
        let next = if left > 0 { DESC_F_NEXT } else { 0 };
        let flags = access.flags() | next;
        let position = self.next;
        self.ring.write_element(position, segment);
        if self.left == self.count {
            self.first_flags = flags;
        } else {
            let meta = position.available(self.ring.free_id, flags);
            self.ring.mem.desc(position.slot()).meta.write(meta);
        }
        self.sums.add(segment, access);
        // INVARIANT: Both advance by one descriptor.
        self.left = left;
        self.next = position.next(self.ring.size);
    }

    /// Adds the buffer.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn finish(mut self) -> Result<Token, AddError> {
        let writable = self.sums.writable()?;
        if self.left != 0 || self.surplus {
            return Err(AddError::BadList);
        }
        let token = self
            .ring
            .make_available(self.next, self.first_flags, self.count, writable)?;
        // INVARIANT: No descriptor after `next_avail` is written.
        self.left = self.count;
        Ok(token)
    }

    /// Makes all descriptors unavailable again, except for the first one, which is not available.
    ///
    /// The device has not read them, because the one before them is not available.
    #[cold]
    fn undo(&mut self) {
        let mut position = self.ring.next_avail;
        for _ in self.left.wrapping_add(1)..self.count {
            position = position.next(self.ring.size);
            let desc = self.ring.mem.desc(position.slot());
            desc.meta.write(position.vacant());
        }
    }
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Drop for Chain<'_, M, S> {
    #[inline]
    fn drop(&mut self) {
        if self.left != self.count {
            self.undo();
        }
    }
}
