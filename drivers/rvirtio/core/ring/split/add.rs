// SPDX-License-Identifier: GPL-2.0

//! Adding buffers: single descriptors, chains of them, and tables.

use super::{
    memory::Memory,
    table::meta,
    Ring, //
};
use crate::{
    ring::{
        buffer::{
            Shadow,
            Token, //
        },
        segment::{
            check_count,
            Access,
            Elements,
            Segment,
            Sums, //
        },
        state::AddError, //
    },
    spec::ring::{
        DESC_F_INDIRECT,
        DESC_F_NEXT, //
    }, //
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
    ///
    /// If that is an error, descriptors on the free list were written, which the device does not
    /// access.
    #[doc(alias = "virtqueue_add_split")]
    #[inline(always)]
    pub fn add_chain(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        let mut chain = self.begin()?;
        let add = |segment| self.push(&mut chain, segment, Access::Readable);
        readable.into_iter().for_each(add);
        let add = |segment| self.push(&mut chain, segment, Access::Writable);
        writable.into_iter().for_each(add);
        self.finish(chain)
    }

    /// See [`Ring::add_elements`](crate::ring::Ring::add_elements).
    #[inline(always)]
    pub fn add_elements(&mut self, elements: &impl Elements) -> Result<Token, AddError> {
        let mut chain = self.begin()?;
        elements.for_each_readable(|segment| self.push(&mut chain, segment, Access::Readable));
        elements.for_each_writable(|segment| self.push(&mut chain, segment, Access::Writable));
        self.finish(chain)
    }

    /// Begins to add a buffer of several elements.
    #[inline(always)]
    fn begin(&self) -> Result<Chain, AddError> {
        self.state.takes_buffers()?;
        Ok(Chain {
            count: 0,
            excess: 0,
            next: self.free_head,
            last: self.free_head,
            last_flags: 0,
            sums: Sums::new(),
        })
    }

    /// Writes the next element of a chain, if there is room for it.
    #[inline(always)]
    fn push(&self, chain: &mut Chain, segment: Segment, access: Access) {
        // There always is an entry (type invariant).
        let entry = self.shadow.get(usize::from(chain.next));
        let (true, Some(entry)) = (chain.count < self.num_free, entry) else {
            chain.excess = chain.excess.saturating_add(1);
            return;
        };
        chain.sums.add(segment, access);
        chain.last = chain.next;
        chain.last_flags = access.flags();
        chain.next = entry.next;
        self.write_desc(
            chain.last,
            segment,
            chain.last_flags | DESC_F_NEXT,
            chain.next,
        );
        // At most `num_free`.
        chain.count = chain.count.wrapping_add(1);
    }

    /// Adds the buffer whose elements were written.
    #[inline(always)]
    fn finish(&mut self, chain: Chain) -> Result<Token, AddError> {
        let count = chain.count;
        check_count(count, chain.excess, self.capacity())?;
        let writable = chain.sums.writable()?;
        let head = self.free_head;
        self.mem
            .desc(chain.last)
            .meta
            .write(meta(chain.last_flags, 0));
        let entry = self.entry(head)?;
        entry.count = count;
        entry.writable = writable;
        if count > 1 {
            let second = entry.next;
            self.entry(second)?.set_last(chain.last);
        }
        self.make_available(head, chain.next, count);
        Ok(Token(head))
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
        self.mem.avail_ring(self.avail_idx).write(head);
        // INVARIANT: There is one more buffer, and its descriptors are removed from the free list.
        self.avail_idx = self.avail_idx.wrapping_add(1);
        self.undecided = self.undecided.wrapping_add(1);
        self.free_head = free;
        // Callers check that there are `count` free ones, so this does not wrap.
        self.num_free = self.num_free.wrapping_sub(count);
    }
}

/// A buffer of several elements that is being added.
struct Chain {
    /// The number of elements that were written, and of those for which there is no room.
    count: u16,
    excess: u16,
    /// The descriptor after those that were written.
    next: u16,
    /// The last one of them.
    last: u16,
    /// The flags of the last one, without the one that says that there is a next.
    last_flags: u16,
    sums: Sums,
}
