// SPDX-License-Identifier: GPL-2.0

//! The split ring (virtio 1.4, 2.7 Split Virtqueues).
//!
//! # Cache lines
//!
//! The ring's own state is about 50 bytes beside its parameters. Lines of shared memory, for one
//! buffer through an indirect table:
//!
//! - [`Ring::add_indirect`] writes one descriptor and one element of the available ring, and one
//!   [`Shadow`] entry. The free list is a stack, so that at low depth these are the same lines
//!   again and again. Nothing shared is read.
//! - [`Ring::kick_prepare`] writes `avail.idx` and reads `avail_event`, or `used.flags` without
//!   `EVENT_IDX`, once for all buffers added since the last call.
//! - [`Ring::pop_used`] reads `used.idx` once per batch that the device completed, one element of
//!   the used ring per buffer, and one [`Shadow`] entry; it writes `used_event` once per batch, if
//!   callbacks are enabled.
//!
//! C source: [`drivers/virtio/virtio_ring.c`](srctree/drivers/virtio/virtio_ring.c)

mod in_order;
mod memory;
mod notify;
mod table;
mod used;

pub use self::{
    memory::Memory,
    table::fill_table, //
};

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
    DESC_F_INDIRECT,
    DESC_F_NEXT,
    DESC_F_WRITE,
    DESC_SIZE,
    QUEUE_SIZE_MAX, //
};
use core::ops::DerefMut;

/// The driver's side of a split virtqueue.
///
/// # Invariants
///
/// - The queue size is a power of two and `mask` is the queue size minus 1.
/// - Every descriptor is either on the free list, which starts at `free_head`, is linked by
///   `Shadow::next` and has `num_free` entries, or belongs to exactly one buffer.
/// - With `IN_ORDER` the links are never changed and lead from each descriptor to the next higher
///   one, from the last to the first: buffers lie one after the other around the table.
/// - `avail_idx - last_used` (wrapping) is the number of buffers, and of shadow entries whose
///   `count` is not 0.
/// - Going up from `last_used` one meets `used_seen`, `published` and `avail_idx`, in this order.
pub struct Ring<M, S> {
    mem: M,
    shadow: S,
    mask: u16,

    free_head: u16,
    num_free: u16,
    /// The free-running index of the next element of the available ring to fill.
    avail_idx: u16,
    /// What the device sees: the value last written to `avail.idx`.
    published: u16,
    /// The value of `published` when the decision to notify was last made.
    kicked: u16,

    /// The free-running index of the next element of the used ring to take.
    last_used: u16,
    /// The value last read from `used.idx`.
    used_seen: u16,
    /// The value last written to `used_event`.
    used_event: u16,

    /// So much was published without a decision to notify that `kicked` was lapped.
    overrun: bool,
    callbacks: bool,
    event_idx: bool,
    in_order: bool,
    /// What the device has reported of a batch that is not popped completely; with `IN_ORDER` only.
    batch: Option<Report>,
    /// Largest permitted indirect table in bytes, 0 without indirect descriptors.
    table_max: u32,
    state: State,
    /// Descriptors below were searched for buffers to detach.
    detach_cursor: u16,
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
    #[doc(alias = "vring_create_virtqueue_split")]
    pub fn new(mem: M, mut shadow: S, config: Config) -> Result<Self, SetupError> {
        let size = mem.size();
        if !size.is_power_of_two() || size > QUEUE_SIZE_MAX {
            return Err(SetupError::QueueSize(size));
        }
        let entries = shadow
            .get_mut(..usize::from(size))
            .ok_or(SetupError::ShadowTooSmall)?;
        let mask = size - 1;
        for (entry, index) in entries.iter_mut().zip(1u16..) {
            *entry = Shadow {
                next: index & mask,
                ..Shadow::default()
            };
        }

        mem.avail_flags().write(0);
        mem.avail_idx().write(0);
        mem.used_event().write(0);
        mem.used_flags().write(0);
        mem.used_idx().write(0);
        mem.avail_event().write(0);

        // INVARIANT: All descriptors are free, all indices are 0.
        Ok(Self {
            mem,
            shadow,
            mask,
            free_head: 0,
            num_free: size,
            avail_idx: 0,
            published: 0,
            kicked: 0,
            last_used: 0,
            used_seen: 0,
            used_event: 0,
            overrun: false,
            callbacks: true,
            event_idx: config.event_idx,
            in_order: config.in_order,
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

    /// Adds a buffer by a chain of descriptors: the device reads the `readable` segments and
    /// writes the `writable` ones.
    ///
    /// The device sees the buffer after the next [`publish`](Self::publish) or
    /// [`kick_prepare`](Self::kick_prepare).
    ///
    /// # Errors
    ///
    /// See [`AddError`]; the ring is then unchanged.
    #[doc(alias = "virtqueue_add_split")]
    pub fn add_direct(
        &mut self,
        readable: impl IntoIterator<Item = Segment>,
        writable: impl IntoIterator<Item = Segment>,
    ) -> Result<Token, AddError> {
        self.check_live()?;

        // Free descriptors are the driver's, so the chain can be written along the free list
        // before it is known whether the list is long enough: on an error nothing is to be undone.
        let head = self.free_head;
        let mut lengths = Lengths::default();
        let mut count: u16 = 0;
        let mut last: Option<(u16, Segment, u16)> = None;
        let mut free = head;

        for (segment, access) in in_order(readable, writable) {
            lengths.add(segment, access)?;
            if count == self.num_free {
                return Err(if count > self.mask {
                    AddError::TooManyElements
                } else {
                    AddError::Full
                });
            }
            let index = free;
            free = self.entry(index)?.next;
            // Only now is it known that the element before is not the last.
            if let Some((index_before, segment, flags)) = last {
                self.write_desc(index_before, segment, flags | DESC_F_NEXT, index);
            }
            let flags = match access {
                Access::Readable => 0,
                Access::Writable => DESC_F_WRITE,
            };
            last = Some((index, segment, flags));
            // At most the number of free descriptors.
            count = count.wrapping_add(1);
        }

        let (index, segment, flags) = last.ok_or(AddError::Empty)?;
        self.write_desc(index, segment, flags, 0);
        self.take(head, free, count, lengths.writable)
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
    #[doc(alias = "virtqueue_add_indirect_split")]
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
        let head = self.free_head;
        let free = self.entry(head)?.next;
        self.write_desc(head, table, DESC_F_INDIRECT, 0);
        self.take(head, free, 1, writable_len)
    }

    /// Returns the number of free descriptors.
    #[inline]
    pub fn num_free(&self) -> u16 {
        self.num_free
    }

    /// Returns the number of buffers in the ring, published or not.
    #[inline]
    pub fn in_flight(&self) -> u16 {
        self.avail_idx.wrapping_sub(self.last_used)
    }

    /// Returns the queue size.
    #[inline]
    pub fn size(&self) -> u16 {
        // At most 32768, so this does not wrap.
        self.mask.wrapping_add(1)
    }

    /// Returns how many descriptors can be in use together: all.
    #[inline]
    pub fn capacity(&self) -> u16 {
        self.size()
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

    /// Returns the shadow of descriptor `index`.
    ///
    /// There always is one, by the invariants; an error costs less than a panic.
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
        desc.meta.write(table::meta(flags, next));
    }

    /// Makes a buffer of the first `count` free descriptors, which are written, and of `head`, the
    /// first of them; `free` is the descriptor after them.
    #[inline]
    fn take(&mut self, head: u16, free: u16, count: u16, writable: u32) -> Result<Token, AddError> {
        let entry = self.entry(head)?;
        entry.count = count;
        entry.writable = writable;

        self.mem.avail_ring(self.avail_idx & self.mask).write(head);
        // INVARIANT: One more buffer; its descriptors leave the free list.
        self.avail_idx = self.avail_idx.wrapping_add(1);
        self.free_head = free;
        // At most all are taken, so this does not wrap.
        self.num_free = self.num_free.wrapping_sub(count);
        Ok(Token(head))
    }
}
