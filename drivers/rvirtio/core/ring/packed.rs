// SPDX-License-Identifier: GPL-2.0

//! The packed ring (virtio 1.4, 2.8 Packed Virtqueues).
//!
//! # Cache lines
//!
//! The ring's own state is about 50 bytes, in addition to its parameters. The accesses to cache
//! lines for a buffer with an indirect table are:
//!
//! - [`Ring::add_indirect`] writes one descriptor and one [`Shadow`] entry. Ids are taken from a
//!   stack, so at low depth the same entry is used again. No shared memory is read.
//! - [`Ring::kick_prepare`] writes one cell of the first descriptor that was added, whose cache
//!   line was already written, and reads the device event area once for all buffers added since the
//!   last call.
//! - [`Ring::pop_used`] reads one descriptor and one [`Shadow`] entry per buffer. With callbacks
//!   enabled it also reads the flags of the next descriptor, and writes the driver event area once
//!   when there are no buffers left.
//!
//! # Publication
//!
//! A device takes descriptors in ring order, and looks at a descriptor only after it has found all
//! before it available. So the flags of the first descriptor that was added are only written when
//! the buffers are published. This makes a whole batch visible with one barrier.
//!
//! C source: [`drivers/virtio/virtio_ring.c`](srctree/drivers/virtio/virtio_ring.c)

mod add;
mod callback;
mod in_order;
mod kick;
mod memory;
mod position;
mod table;
mod used;

pub use self::{
    memory::Memory,
    table::fill_table, //
};

use self::position::Position;
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
use crate::spec::ring::{
    packed::EVENT_FLAG_ENABLE,
    QUEUE_SIZE_MAX, //
};
use core::ops::DerefMut;

/// The driver's side of a packed virtqueue.
///
/// # Invariants
///
/// - `size` is 1 to 32768, and all positions are below it.
/// - `capacity` descriptors, at least one, can be in use at the same time. Around the ring from
///   `next_used`, the descriptors of all buffers come first, up to `next_avail`, followed by
///   `num_free` descriptors. Together these are `capacity`.
/// - Every id below `size` is either on the free list, which starts at `free_id` and is linked by
///   `Shadow::next`, or the id of one buffer, in which case `Shadow::count` is not 0.
/// - With `IN_ORDER`, the links never change, and lead from each id to the next higher one, and
///   from the last to the first. The ids of the buffers are those from `oldest` up to `free_id`.
/// - `added - popped` (wrapping) is the number of buffers, and `published - popped` the number of
///   those that the device may have.
/// - If `published` is not `added`, `pending` is the first descriptor that is not published.
///   Otherwise it is unused.
pub struct Ring<M, S> {
    mem: M,
    shadow: S,
    size: u16,
    capacity: u16,

    free_id: u16,
    num_free: u16,
    next_avail: Position,
    pending: Pending,
    /// The number of descriptors added since the last decision to notify.
    undecided: u32,
    /// Free-running counts of buffers.
    added: u16,
    published: u16,
    popped: u16,

    next_used: Position,
    /// The number of descriptors to pop up to and including the one of the event; 0 or less
    /// afterwards. Only used with `EVENT_IDX`.
    until_event: i64,

    callbacks: bool,
    event_idx: bool,
    in_order: bool,
    /// The id of the oldest buffer. Only used with `IN_ORDER`.
    oldest: u16,
    /// The device's report of a batch that is not completely popped. Only used with `IN_ORDER`.
    batch: Option<Report>,
    /// The largest permitted indirect table in bytes, 0 without indirect descriptors.
    table_max: u32,
    state: State,
    /// Lower ids were already searched for buffers to detach.
    detach_cursor: u16,
}

/// The first descriptor that is not published. All of it is written, except for its last cell.
#[derive(Clone, Copy)]
struct Pending {
    slot: u16,
    meta: u32,
}

impl Pending {
    const NONE: Self = Self { slot: 0, meta: 0 };
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
    #[doc(alias = "vring_create_virtqueue_packed")]
    pub fn new(mem: M, mut shadow: S, config: Config) -> Result<Self, SetupError> {
        let size = mem.size();
        if size == 0 || size > QUEUE_SIZE_MAX {
            return Err(SetupError::QueueSize(size));
        }
        Shadow::link(&mut shadow, size)?;

        let first = Position::FIRST;
        // INVARIANT: `restart` establishes the others.
        let mut this = Self {
            mem,
            shadow,
            size,
            capacity: config.capacity(size),
            free_id: 0,
            num_free: 0,
            next_avail: first,
            pending: Pending::NONE,
            undecided: 0,
            added: 0,
            published: 0,
            popped: 0,
            next_used: first,
            until_event: 1,
            callbacks: true,
            event_idx: config.event_idx,
            in_order: config.in_order,
            oldest: 0,
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
        let _ = Shadow::link(&mut self.shadow, self.size);
        // These are neither available nor used while both wrap counters are 1.
        for index in 0..self.size {
            let desc = self.mem.desc(index);
            desc.addr.write(0);
            desc.len.write(0);
            desc.meta.write(0);
        }
        let first = Position::FIRST;
        let enable = position::event(0, EVENT_FLAG_ENABLE);
        let event = if self.event_idx {
            first.event()
        } else {
            enable
        };
        self.mem.driver_event().write(event);
        self.mem.device_event().write(enable);

        // INVARIANT: All descriptors and ids are free.
        self.free_id = 0;
        self.num_free = self.capacity;
        self.next_avail = first;
        self.pending = Pending::NONE;
        self.undecided = 0;
        self.added = 0;
        self.published = 0;
        self.popped = 0;
        self.next_used = first;
        self.until_event = 1;
        self.callbacks = true;
        self.oldest = 0;
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
        self.added.wrapping_sub(self.popped)
    }

    /// Returns the number of descriptors in the ring of which the device may not know: those that were
    /// added since the last [`kick_prepare`](Self::kick_prepare).
    #[inline]
    pub fn undecided(&self) -> u32 {
        self.undecided
    }

    /// Returns the queue size.
    #[inline]
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Returns the number of descriptors that can be in use at the same time; see
    /// [`Config::capacity`].
    #[inline]
    pub fn capacity(&self) -> u16 {
        self.capacity
    }

    /// Stops the ring: no more buffers can be added or popped.
    ///
    /// This does not prevent the device from using buffers.
    #[doc(alias = "__virtqueue_break")]
    pub fn stop(&mut self) {
        self.state.stop();
    }

    /// Returns a buffer that was not popped, or `None` if there is none left. Stops the ring.
    ///
    /// The device may access the buffer until the device or the queue has been reset: the caller
    /// must not release its memory before.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self) -> Option<Token> {
        self.stop();
        while self.in_flight() != 0 && self.detach_cursor < self.size {
            let id = self.detach_cursor;
            // This is at most the queue size.
            self.detach_cursor = self.detach_cursor.wrapping_add(1);
            if self.release(id).is_some() {
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
            size: self.size,
            free: self.num_free,
            in_flight: self.in_flight(),
            undecided: self.undecided,
            callbacks: self.callbacks,
            state: self.state,
            indices: Indices::Packed {
                next_avail: self.next_avail.bits(),
                next_used: self.next_used.bits(),
                device_event: self.mem.device_event().read(),
                driver_event: self.mem.driver_event().read(),
            },
        }
    }

    /// Marks the ring broken.
    #[cold]
    fn violation(&mut self, violation: Violation) -> Violation {
        self.state = State::broken(violation);
        violation
    }

    /// Returns the position of the first descriptor that is not visible to the device.
    #[inline]
    fn next_published(&self) -> Position {
        if self.added == self.published {
            self.next_avail
        } else {
            Position::of(self.pending.slot, self.pending.meta)
        }
    }
}
