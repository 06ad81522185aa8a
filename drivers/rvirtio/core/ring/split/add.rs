// SPDX-License-Identifier: GPL-2.0

//! Adding buffers: single descriptors, chains of them, and tables.

use super::{
    table::meta,
    Memory,
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
    #[doc(alias = "virtqueue_add_indirect_split")]
    #[inline(always)]
    pub fn add_indirect(&mut self, table: Segment, writable_len: u32) -> Result<Token, AddError> {
        self.state.takes_buffers()?;
        table.check_table(self.table_max)?;
        self.add_desc(table, DESC_F_INDIRECT, writable_len)
    }

    /// See [`Ring::add_chain`](crate::ring::Ring::add_chain).
    #[doc(alias = "virtqueue_add_split")]
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
        check_count(count, self.num_free, self.size())?;
        Ok(Chain {
            next: self.free_head,
            ring: self,
            count,
            left: count,
            surplus: false,
            sums: Sums::default(),
        })
    }

    /// Adds a buffer that consists of the first free descriptor.
    #[inline(always)]
    fn add_desc(&mut self, segment: Segment, flags: u16, writable: u32) -> Result<Token, AddError> {
        if self.num_free == 0 {
            return Err(AddError::Full);
        }
        let head = self.free_head;
        let entry = self.entry(head)?;
        entry.count = 1;
        entry.writable = writable;
        let free = entry.next;
        self.write_desc(head, segment, flags, 0);
        self.make_available(head, free, 1);
        Ok(Token(head))
    }

    /// Returns the shadow entry of descriptor `index`.
    ///
    /// There always is one (type invariant); returning an error costs less than a panic.
    #[inline]
    fn entry(&mut self, index: u16) -> Result<&mut Shadow, AddError> {
        self.shadow
            .get_mut(usize::from(index))
            .ok_or(AddError::Broken)
    }

    #[inline]
    fn write_desc(&self, index: u16, segment: Segment, flags: u16, next: u16) {
        let desc = self.mem.desc(index);
        desc.addr.write(segment.addr);
        desc.len.write(segment.len);
        desc.meta.write(meta(flags, next));
    }

    /// Adds a buffer that consists of the first `count` free descriptors. These are written, and so
    /// is the shadow entry of `head`, the first of them; `free` is the descriptor after them.
    #[inline]
    fn make_available(&mut self, head: u16, free: u16, count: u16) {
        self.mem.avail_ring(self.avail_idx & self.mask).write(head);
        // INVARIANT: There is one more buffer, and its descriptors are removed from the free list.
        self.avail_idx = self.avail_idx.wrapping_add(1);
        self.free_head = free;
        // Callers check that there are `count` free ones, so this does not wrap.
        self.num_free = self.num_free.wrapping_sub(count);
    }
}

/// A buffer of several elements that is being added.
///
/// If it is dropped without [`finish`](Self::finish), the ring is unchanged: the device does not
/// access descriptors on the free list.
///
/// # Invariants
///
/// `next` is the descriptor after the first `count - left` of the free list, which has at least
/// `count`.
pub struct Chain<'a, M, S> {
    ring: &'a mut Ring<M, S>,
    count: u16,
    left: u16,
    next: u16,
    /// Whether there were more elements than `count`.
    surplus: bool,
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
        let index = self.next;
        // There always is an entry (type invariant of the ring).
        let Some(entry) = self.ring.shadow.get(usize::from(index)) else {
            return;
        };
        let next = if left > 0 { DESC_F_NEXT } else { 0 };
        self.ring
            .write_desc(index, segment, access.flags() | next, entry.next);
        self.sums.add(segment, access);
        // INVARIANT: Both advance by one descriptor.
        self.left = left;
        self.next = entry.next;
    }

    /// Adds the buffer.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn finish(self) -> Result<Token, AddError> {
        let writable = self.sums.writable()?;
        if self.left != 0 || self.surplus {
            return Err(AddError::BadList);
        }
        let head = self.ring.free_head;
        let entry = self.ring.entry(head)?;
        entry.count = self.count;
        entry.writable = writable;
        self.ring.make_available(head, self.next, self.count);
        Ok(Token(head))
    }
}
