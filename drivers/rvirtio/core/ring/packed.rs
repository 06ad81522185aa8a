// SPDX-License-Identifier: GPL-2.0

//! The packed ring (virtio 1.4, 2.8 Packed Virtqueues).
//!
//! # Cache lines
//!
//! The ring's own state is about 50 bytes beside its parameters. Lines of shared memory, for one
//! buffer through an indirect table:
//!
//! - [`Ring::add_indirect`] writes one descriptor and one [`Shadow`] entry. Ids are taken from a
//!   stack, so that at low depth it is the same entry again and again. Nothing shared is read.
//! - [`Ring::kick_prepare`] writes one cell of the first descriptor that was added, whose line the
//!   add has touched, and reads the device event area once for all buffers added since the last
//!   call.
//! - [`Ring::pop_used`] reads one descriptor and one [`Shadow`] entry per buffer. With
//!   callbacks enabled it also reads the flags of the next descriptor, and writes the driver event
//!   area once when no buffer is left.
//!
//! # Publication
//!
//! A device takes descriptors in ring order, and looks at a descriptor only after it has found all
//! before it available. So the flags of the first descriptor that was added are held back, and
//! written when the buffers are published: that makes a whole batch visible at once, with one
//! barrier.
//!
//! C source: [`drivers/virtio/virtio_ring.c`](srctree/drivers/virtio/virtio_ring.c)

mod memory;
mod notify;
mod position;
mod table;
mod used;

pub use self::{
    memory::Memory,
    table::fill_table, //
};

use self::position::Position;
use super::{
    segment::{
        in_order,
        Access,
        Lengths, //
    },
    AddError,
    Config,
    Report,
    Segment,
    SetupError,
    Shadow,
    State,
    Token, //
};
use crate::spec::ring::{
    packed::EVENT_FLAG_ENABLE,
    DESC_F_INDIRECT,
    DESC_F_NEXT,
    DESC_F_WRITE,
    DESC_SIZE,
    QUEUE_SIZE_MAX, //
};
use core::ops::DerefMut;

/// The driver's side of a packed virtqueue.
///
/// # Invariants
///
/// - `size` is 1 to 32768, and all positions are below it.
/// - `capacity` of the descriptors, at least one, can be in use together. Going around the ring
///   from `next_used`, the descriptors of all buffers come before `next_avail`, and `num_free`
///   descriptors after it, up to `capacity`.
/// - Every id below `size` is either on the free list, which starts at `free_id` and is linked by
///   `Shadow::next`, or that of one buffer, and then `Shadow::count` is not 0.
/// - With `IN_ORDER` the links are never changed and lead from each id to the next higher one,
///   from the last to the first: the ids of the buffers are those from `oldest` to `free_id`.
/// - `added - popped` (wrapping) is the number of buffers, `published - popped` the number of those
///   that the device may have.
pub struct Ring<M, S> {
    mem: M,
    shadow: S,
    size: u16,
    capacity: u16,

    free_id: u16,
    num_free: u16,
    next_avail: Position,
    /// The first descriptor that is not published, if there is one.
    pending: Option<Pending>,
    /// The number of descriptors added since the decision to notify was last made, at most 65535.
    undecided: u16,
    /// Free-running counts of buffers.
    added: u16,
    published: u16,
    popped: u16,

    next_used: Position,
    /// What was last written to the driver event area.
    event: u32,

    callbacks: bool,
    event_idx: bool,
    in_order: bool,
    /// The oldest buffer's id; with `IN_ORDER` only.
    oldest: u16,
    /// What the device has reported of a batch that is not popped completely; with `IN_ORDER` only.
    batch: Option<Report>,
    /// Largest permitted indirect table in bytes, 0 without indirect descriptors.
    table_max: u32,
    state: State,
    /// Ids below were searched for buffers to detach.
    detach_cursor: u16,
}

/// A descriptor that is written but for its last cell.
#[derive(Clone, Copy)]
struct Pending {
    position: Position,
    meta: u32,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Sets up an empty ring of `mem.size()` descriptors, with callbacks enabled.
    ///
    /// Memory may hold anything before, also what an earlier ring has left there. The device must
    /// not use it yet, and `shadow` must have at least `mem.size()` entries.
    ///
    /// # Errors
    ///
    /// See [`SetupError`].
    #[doc(alias = "vring_create_virtqueue_packed")]
    pub fn new(mem: M, mut shadow: S, config: Config) -> Result<Self, SetupError> {
        let size = mem.size();
        if size == 0 || size > QUEUE_SIZE_MAX {
            return Err(SetupError::QueueSize(size));
        }
        let entries = shadow
            .get_mut(..usize::from(size))
            .ok_or(SetupError::ShadowTooSmall)?;
        for (entry, next) in entries.iter_mut().zip((1..size).chain([0])) {
            *entry = Shadow {
                next,
                ..Shadow::default()
            };
        }
        // Neither available nor used while both wrap counters are 1.
        for index in 0..size {
            let desc = mem.desc(index);
            desc.addr.write(0);
            desc.len.write(0);
            desc.meta.write(0);
        }
        let next_used = Position::FIRST;
        let event = if config.event_idx {
            next_used.event()
        } else {
            position::event(0, EVENT_FLAG_ENABLE)
        };
        mem.driver_event().write(event);
        mem.device_event()
            .write(position::event(0, EVENT_FLAG_ENABLE));

        // INVARIANT: All descriptors and ids are free.
        Ok(Self {
            mem,
            shadow,
            size,
            capacity: size,
            free_id: 0,
            num_free: size,
            next_avail: Position::FIRST,
            pending: None,
            undecided: 0,
            added: 0,
            published: 0,
            popped: 0,
            next_used,
            event,
            callbacks: true,
            event_idx: config.event_idx,
            in_order: config.in_order,
            oldest: 0,
            batch: None,
            table_max: if config.indirect {
                u32::from(size) * DESC_SIZE
            } else {
                0
            },
            state: State::Live,
            detach_cursor: 0,
        })
    }

    /// Keeps a descriptor from ever being used, unless there is only one: not all of them will be in
    /// flight together, which some devices take for none. To be called before buffers are added.
    pub fn keep_one_free(&mut self) {
        if self.capacity > 1 && self.num_free == self.capacity {
            // INVARIANT: All are free, and one less can be used.
            self.capacity = self.capacity.wrapping_sub(1);
            self.num_free = self.capacity;
        }
    }

    /// Adds a buffer by a list of descriptors: the device reads the `readable` segments and writes
    /// the `writable` ones.
    ///
    /// The device sees the buffer after the next [`publish`](Self::publish) or
    /// [`kick_prepare`](Self::kick_prepare).
    ///
    /// # Errors
    ///
    /// See [`AddError`]; the ring is then unchanged.
    #[doc(alias = "virtqueue_add_packed")]
    pub fn add_direct(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        self.check_live()?;

        // Addresses and lengths of free descriptors mean nothing, so they can be written before it
        // is known whether the list fits. Their flags do, so those follow when it is.
        let mut lengths = Lengths::default();
        let mut count: u16 = 0;
        let mut readable_count: u16 = 0;
        let mut position = self.next_avail;
        for (segment, access) in in_order(readable, writable) {
            lengths.add(segment, access)?;
            if count == self.num_free {
                return Err(if count == self.capacity {
                    AddError::TooManyElements
                } else {
                    AddError::Full
                });
            }
            self.write_element(position, segment);
            position = position.advanced(1, self.size);
            // At most the number of free descriptors.
            count = count.wrapping_add(1);
            if access == Access::Readable {
                readable_count = count;
            }
        }
        if count == 0 {
            return Err(AddError::Empty);
        }

        let id = self.free_id;
        let flags = |i: u16| {
            let next = if i.wrapping_add(1) < count {
                DESC_F_NEXT
            } else {
                0
            };
            let write = if i < readable_count { 0 } else { DESC_F_WRITE };
            next | write
        };
        let mut position = self.next_avail;
        for i in 1..count {
            position = position.advanced(1, self.size);
            let meta = position.available(id, flags(i));
            self.mem.desc(position.slot()).meta.write(meta);
        }
        self.take(flags(0), count, lengths.writable)
    }

    /// Adds a buffer by one descriptor that points to an indirect table.
    ///
    /// `table` is where the device finds the table: `addr` is the address of cells that
    /// [`fill_table`] has filled, `len` the size of the filled ones in bytes. `writable_len` is
    /// the length of all writable elements in the table, as [`fill_table`] returns it. The table
    /// must not be touched until the buffer is used.
    ///
    /// The device sees the buffer after the next [`publish`](Self::publish) or
    /// [`kick_prepare`](Self::kick_prepare).
    ///
    /// # Errors
    ///
    /// See [`AddError`]; the ring is then unchanged.
    #[doc(alias = "virtqueue_add_indirect_packed")]
    #[inline]
    pub fn add_indirect(&mut self, table: Segment, writable_len: u32) -> Result<Token, AddError> {
        self.check_live()?;
        // An empty table wraps to the largest value.
        if table.len.wrapping_sub(1) >= self.table_max || table.len & (DESC_SIZE - 1) != 0 {
            return Err(AddError::BadTable);
        }
        if self.num_free == 0 {
            return Err(AddError::Full);
        }
        self.write_element(self.next_avail, table);
        self.take(DESC_F_INDIRECT, 1, writable_len)
    }

    /// Returns the number of free descriptors.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.num_free
    }

    /// Returns the number of buffers in the ring, published or not.
    #[inline]
    pub fn in_flight(&self) -> u16 {
        self.added.wrapping_sub(self.popped)
    }

    /// Returns the queue size.
    #[inline]
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Returns how many descriptors can be in use together.
    #[inline]
    pub fn capacity(&self) -> u16 {
        self.capacity
    }

    /// Returns the shared memory.
    pub fn memory(&self) -> &M {
        &self.mem
    }

    /// Takes the ring apart, to set it up anew or to free its memory.
    ///
    /// Buffers that are still in the ring are forgotten; see
    /// [`detach_unused`](Self::detach_unused).
    pub fn into_parts(self) -> (M, S) {
        (self.mem, self.shadow)
    }

    #[inline]
    fn check_live(&self) -> Result<(), AddError> {
        match self.state {
            State::Live => Ok(()),
            State::Stopped | State::Broken(_) => Err(AddError::Broken),
        }
    }

    #[inline]
    fn write_element(&self, position: Position, segment: Segment) {
        let desc = self.mem.desc(position.slot());
        desc.addr.write(segment.addr);
        desc.len.write(segment.len);
    }

    /// Makes a buffer of the next `count` descriptors, which are written but for the flags of the
    /// first: `flags`, without those that make it available.
    #[inline]
    fn take(&mut self, flags: u16, count: u16, writable: u32) -> Result<Token, AddError> {
        let id = self.free_id;
        // There always is an entry, by the invariants; an error costs less than a panic.
        let entry = self
            .shadow
            .get_mut(usize::from(id))
            .ok_or(AddError::Broken)?;
        entry.count = count;
        entry.writable = writable;

        // INVARIANT: One more buffer, with the first free id and the next descriptors. At most all
        // are taken, so the subtraction does not wrap.
        self.free_id = entry.next;
        self.num_free = self.num_free.wrapping_sub(count);
        self.added = self.added.wrapping_add(1);
        self.undecided = self.undecided.saturating_add(count);

        let position = self.next_avail;
        self.next_avail = position.advanced(count, self.size);
        let meta = position.available(id, flags);
        match self.pending {
            None => self.pending = Some(Pending { position, meta }),
            // Not visible before the one that is held back.
            Some(_) => self.mem.desc(position.slot()).meta.write(meta),
        }
        Ok(Token(id))
    }
}
