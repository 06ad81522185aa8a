// SPDX-License-Identifier: GPL-2.0

//! The split ring (virtio 1.4, 2.7 Split Virtqueues).
//!
//! # Cache lines
//!
//! The ring's own state is about 50 bytes, in addition to its parameters. The accesses to cache
//! lines for a buffer with an indirect table are:
//!
//! - [`Ring::add_indirect`] writes one descriptor and one element of the available ring, and one
//!   [`Shadow`] entry. The free list is a stack, so at low depth the same descriptor and entry are
//!   used again. No shared memory is read.
//! - [`Ring::kick_prepare`] writes `avail.idx` and reads `avail_event`, or `used.flags` without
//!   `EVENT_IDX`, once for all buffers added since the last call.
//! - [`Ring::pop_used`] reads `used.idx` once per batch that the device completed, one element of
//!   the used ring per buffer, and one [`Shadow`] entry; it writes `used_event` once per batch, if
//!   callbacks are enabled.
//!
//! C source: [`drivers/virtio/virtio_ring.c`](srctree/drivers/virtio/virtio_ring.c)

mod add;
mod callback;
mod in_order;
mod kick;
mod memory;
mod table;
mod used;

pub use self::{
    memory::Memory,
    table::fill_table, //
};

use super::{
    buffer::{
        Report,
        Shadow,
        Token, //
    },
    config::{
        Config,
        SetupError, //
    },
    snapshot::{
        Indices,
        Snapshot, //
    },
    state::State,
    violation::Violation, //
};
use crate::spec::ring::QUEUE_SIZE_MAX;
use core::ops::DerefMut;

/// The driver's side of a split virtqueue.
///
/// # Invariants
///
/// - The queue size is a power of two and `mask` is the queue size minus 1.
/// - Every descriptor is either on the free list, which starts at `free_head`, is linked by
///   `Shadow::next` and has `num_free` entries, or belongs to exactly one buffer.
/// - With `IN_ORDER`, the links never change, and lead from each descriptor to the next higher one,
///   and from the last to the first. Buffers are consecutive in the table.
/// - `avail_idx - last_used` (wrapping) is the number of buffers, and of shadow entries whose
///   `count` is not 0.
/// - `last_used`, `used_seen`, `published` and `avail_idx` (wrapping) are in ascending order.
pub struct Ring<M, S> {
    mem: M,
    shadow: S,
    mask: u16,

    free_head: u16,
    num_free: u16,
    /// The free-running index of the next element of the available ring to fill.
    avail_idx: u16,
    /// The value last written to `avail.idx`, which is visible to the device.
    published: u16,
    /// The number of buffers added since the last decision to notify.
    undecided: u32,

    /// The free-running index of the next element of the used ring to take.
    last_used: u16,
    /// The value last read from `used.idx`.
    used_seen: u16,
    /// The value last written to `used_event`.
    used_event: u16,

    callbacks: bool,
    event_idx: bool,
    in_order: bool,
    /// The device's report of a batch that is not completely popped. Only used with `IN_ORDER`.
    batch: Option<Report>,
    /// The largest permitted indirect table in bytes, 0 without indirect descriptors.
    table_max: u32,
    state: State,
    /// Lower descriptors were already searched for buffers to detach.
    detach_cursor: u16,
}

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Creates an empty ring of `mem.size()` descriptors, with callbacks enabled.
    ///
    /// The memory may have any content, for example that of an earlier ring. The device must not
    /// use it yet, and `shadow` must have at least `mem.size()` entries.
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
        Shadow::link(&mut shadow, size)?;
        // INVARIANT: `restart` establishes the others.
        let mut this = Self {
            mem,
            shadow,
            mask: size - 1,
            free_head: 0,
            num_free: 0,
            avail_idx: 0,
            published: 0,
            undecided: 0,
            last_used: 0,
            used_seen: 0,
            used_event: 0,
            callbacks: true,
            event_idx: config.event_idx,
            in_order: config.in_order,
            batch: None,
            table_max: config.table_max(size),
            state: State::STOPPED,
            detach_cursor: 0,
        };
        this.restart();
        Ok(this)
    }

    /// Empties the ring, and makes it live again, with callbacks enabled. Tokens of buffers that
    /// were in it are void.
    ///
    /// The device must not use the memory: it was reset, or was not told of it yet.
    pub fn restart(&mut self) {
        // This does not fail, as it did not for `new`.
        let size = self.size();
        let _ = Shadow::link(&mut self.shadow, size);
        self.mem.avail_flags().write(0);
        self.mem.avail_idx().write(0);
        self.mem.used_event().write(0);
        self.mem.used_flags().write(0);
        self.mem.used_idx().write(0);
        self.mem.avail_event().write(0);

        // INVARIANT: All descriptors are free, all indices are 0.
        self.free_head = 0;
        self.num_free = self.size();
        self.avail_idx = 0;
        self.published = 0;
        self.undecided = 0;
        self.last_used = 0;
        self.used_seen = 0;
        self.used_event = 0;
        self.callbacks = true;
        self.batch = None;
        self.state = State::LIVE;
        self.detach_cursor = 0;
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

    /// Returns the number of buffers in the ring of which the device may not know: those that were
    /// added since the last [`kick_prepare`](Self::kick_prepare).
    #[inline]
    pub fn undecided(&self) -> u32 {
        self.undecided
    }

    /// Returns the queue size.
    #[inline]
    pub fn size(&self) -> u16 {
        // This is at most 32768, so it does not wrap.
        self.mask.wrapping_add(1)
    }

    /// Returns the number of descriptors that can be in use at the same time: all.
    #[inline]
    pub fn capacity(&self) -> u16 {
        self.size()
    }

    /// Stops the ring: no more buffers can be added or popped.
    ///
    /// This does not prevent the device from using buffers.
    #[doc(alias = "__virtqueue_break")]
    pub fn stop(&mut self) {
        self.state.stop();
        // `detach_unused` returns the used buffers that were not popped.
        self.used_seen = self.last_used;
    }

    /// Returns a buffer that was not popped, or `None` if there is none left. Stops the ring.
    ///
    /// The device may access the buffer until the device or the queue has been reset: the caller
    /// must not release its memory before.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self) -> Option<Token> {
        self.stop();
        while self.in_flight() != 0 && self.detach_cursor <= self.mask {
            let id = self.detach_cursor;
            // This is at most the queue size.
            self.detach_cursor = self.detach_cursor.wrapping_add(1);
            if self.release(id).is_some() {
                // INVARIANT: There is one buffer less. No element of the used ring is skipped,
                // because a stopped ring does not read it.
                self.last_used = self.last_used.wrapping_add(1);
                self.used_seen = self.last_used;
                return Some(Token(id));
            }
        }
        None
    }

    /// Returns the violation that has broken the ring, if one has.
    pub fn broken(&self) -> Option<Violation> {
        self.state.violation()
    }

    /// Returns what the ring looks like now.
    #[cold]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            size: self.size(),
            free: self.num_free,
            in_flight: self.in_flight(),
            undecided: self.undecided,
            callbacks: self.callbacks,
            state: self.state,
            indices: Indices::Split {
                filled: self.avail_idx,
                avail: self.published,
                taken: self.last_used,
                used: self.mem.used_idx().read(),
                avail_event: self.mem.avail_event().read(),
                used_event: self.used_event,
            },
        }
    }

    /// Marks the ring broken.
    #[cold]
    fn violation(&mut self, violation: Violation) -> Violation {
        self.state = State::broken(violation);
        self.used_seen = self.last_used;
        violation
    }
}
