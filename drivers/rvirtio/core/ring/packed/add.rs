// SPDX-License-Identifier: GPL-2.0

//! Adding buffers: single descriptors, lists of them, and tables.

use super::{
    memory::Memory,
    Pending,
    Position,
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
    #[doc(alias = "virtqueue_add_indirect_packed")]
    #[inline(always)]
    pub fn add_indirect(&mut self, table: Segment, writable_len: u32) -> Result<Token, AddError> {
        self.state.takes_buffers()?;
        table.check_table(self.table_max)?;
        self.add_desc(table, DESC_F_INDIRECT, writable_len)
    }

    /// See [`Ring::add_chain`](crate::ring::Ring::add_chain).
    ///
    /// The first descriptor is not available before the others are written, and these do not stay
    /// available after an error.
    #[doc(alias = "virtqueue_add_packed")]
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
            next: self.next_avail,
            last: self.next_avail,
            first_flags: 0,
            last_flags: 0,
            sums: Sums::new(),
        })
    }

    /// Writes the next element of a chain, if there is room for it.
    #[inline(always)]
    fn push(&self, chain: &mut Chain, segment: Segment, access: Access) {
        if chain.count >= self.num_free {
            chain.excess = chain.excess.saturating_add(1);
            return;
        }
        chain.sums.add(segment, access);
        chain.last = chain.next;
        chain.last_flags = access.flags();
        chain.next = chain.last.next(self.size);
        self.write_element(chain.last, segment);
        if chain.count == 0 {
            chain.first_flags = chain.last_flags | DESC_F_NEXT;
        } else {
            self.write_flags(chain.last, chain.last_flags | DESC_F_NEXT);
        }
        // At most `num_free`.
        chain.count = chain.count.wrapping_add(1);
    }

    /// Adds the buffer whose elements were written.
    #[inline(always)]
    fn finish(&mut self, mut chain: Chain) -> Result<Token, AddError> {
        let checked = check_count(chain.count, chain.excess, self.capacity)
            .and_then(|()| chain.sums.writable());
        let writable = match checked {
            Ok(writable) => writable,
            Err(error) => {
                self.undo(chain.count);
                return Err(error);
            }
        };
        if chain.count == 1 {
            chain.first_flags = chain.last_flags;
        } else {
            self.write_flags(chain.last, chain.last_flags);
        }
        let first = self.next_avail;
        self.make_available(first, chain.next, chain.first_flags, chain.count, writable)
    }

    #[inline]
    fn write_flags(&self, position: Position, flags: u16) {
        let meta = position.available(self.free_id, flags);
        self.mem.desc(position.slot()).meta.write(meta);
    }

    /// Makes the next `count` descriptors unavailable again, except for the first one, which is not
    /// available.
    ///
    /// The device has not read them, because the one before them is not available.
    #[cold]
    fn undo(&mut self, count: u16) {
        let mut position = self.next_avail;
        for _ in 1..count {
            position = position.next(self.size);
            let desc = self.mem.desc(position.slot());
            desc.meta.write(position.vacant());
        }
    }

    /// Adds a buffer that consists of the next descriptor.
    #[inline(always)]
    fn add_desc(&mut self, segment: Segment, flags: u16, writable: u32) -> Result<Token, AddError> {
        if self.num_free == 0 {
            return Err(AddError::Full);
        }
        let position = self.next_avail;
        self.write_element(position, segment);
        self.make_available(position, position.next(self.size), flags, 1, writable)
    }

    #[inline]
    fn write_element(&self, position: Position, segment: Segment) {
        let desc = self.mem.desc(position.slot());
        desc.addr.write(segment.addr);
        desc.len.write(segment.len);
    }

    /// Adds a buffer that consists of the next `count` descriptors, from `first` up to `end`. They are
    /// written, except for the last cell of the first, whose flags are `flags` and those that make it
    /// available.
    #[inline(always)]
    fn make_available(
        &mut self,
        first: Position,
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

        let (slot, meta) = (first.slot(), first.available(id, flags));
        if self.added == self.published {
            self.pending = Pending { slot, meta };
        } else {
            // This is not visible before the pending descriptor.
            self.mem.desc(slot).meta.write(meta);
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
struct Chain {
    /// The number of elements that were written, and of those for which there is no room.
    count: u16,
    excess: u16,
    /// The position after the descriptors that were written.
    next: Position,
    /// The last one of them.
    last: Position,
    /// The flags of the first one, which has none yet.
    first_flags: u16,
    /// The flags of the last one, without the one that says that there is a next.
    last_flags: u16,
    sums: Sums,
}
