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
            next: self.free_head,
            ring: self,
            count: 0,
            last: 0,
            last_flags: 0,
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
/// The first `count` descriptors of the free list are written, or all of it if that has fewer. Each
/// says that there is a next one. The last of them is `last`, with `last_flags` for its element, and
/// `next` comes after it.
pub struct Chain<'a, M, S> {
    ring: &'a mut Ring<M, S>,
    /// The number of elements, which may be more than there is room for.
    count: u32,
    next: u16,
    last: u16,
    last_flags: u16,
    sums: Sums,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Chain<'_, M, S> {
    /// Adds one element. Those that the device reads have to come before those that it writes.
    ///
    /// Errors are returned by [`finish`](Self::finish).
    #[inline]
    pub fn push(&mut self, segment: Segment, access: Access) {
        let index = self.next;
        let count = self.count;
        self.count = count.saturating_add(1);
        if count >= self.ring.num_free.into() {
            return;
        }
        // There always is an entry (type invariant of the ring).
        let Some(entry) = self.ring.shadow.get(usize::from(index)) else {
            return;
        };
        self.next = entry.next;
        // INVARIANT: One more descriptor is written.
        self.last = index;
        self.last_flags = access.flags();
        self.ring
            .write_desc(index, segment, access.flags() | DESC_F_NEXT, entry.next);
        self.sums.add(segment, access);
    }

    /// Adds the buffer.
    ///
    /// # Errors
    ///
    /// See [`AddError`].
    #[inline]
    pub fn finish(self) -> Result<Token, AddError> {
        let ring = self.ring;
        let count = check_count(self.count, ring.num_free, ring.capacity())?;
        let writable = self.sums.writable()?;
        ring.mem
            .desc(self.last)
            .meta
            .write(meta(self.last_flags, 0));
        let head = ring.free_head;
        let entry = ring.entry(head)?;
        entry.count = count;
        entry.writable = writable;
        ring.make_available(head, self.next, count);
        Ok(Token(head))
    }
}
