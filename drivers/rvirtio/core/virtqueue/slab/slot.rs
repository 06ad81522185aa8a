// SPDX-License-Identifier: GPL-2.0

//! The header, status and descriptor table of one request.

use super::{
    chunks::Piece,
    layout::Layout,
    memory::Memory,
    spare::Spare, //
};
use crate::{
    dma::{
        Direction,
        Dma, //
    },
    ring::Segment,
    spec::feature::{
        self,
        Features, //
    }, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    sync::Arc,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// The shared memory of one request.
///
/// Its methods only access this memory, and do not track whether the device has it. The type that
/// adds the memory to a queue guarantees that they are not called until the device has returned it.
///
/// # Invariants
///
/// - `cpu` points to piece `index` of `memory.slots`, or of `memory.grown`, which has the address `addr`
///   for the device, and `status` to its tail. No other slot has them. There is a header, and at the
///   offset `LAYOUT.table` a table of `data_cells` and two more descriptors.
/// - If there is a `shape`, the table is filled accordingly: header, data and status. Otherwise, if
///   there is a `large` table, `large_count` descriptors of that one are filled. It belongs to `memory`.
pub struct Slot<'bound, H, S, P = StatusLast> {
    pub(super) cpu: NonNull<u8>,
    pub(super) addr: u64,
    pub(super) status: NonNull<u8>,
    /// The slab, to which the memory and the larger tables belong.
    pub(super) memory: Arc<Memory<'bound>>,
    pub(super) shape: Shape,
    /// The length of the data in the table, in bytes; of a large one, the total length of the
    /// device-writable segments.
    pub(super) data_len: u32,
    pub(super) index: u16,
    pub(super) large_count: u16,
    /// A larger table that is used instead.
    pub(super) large: Option<Spare>,
    /// The number of descriptors for data in the table.
    pub(super) data_cells: u8,
    pub(super) format: Option<Format>,
    direction: Option<Direction>,
    _types: PhantomData<fn(H) -> (S, P)>,
}

// There is one for each request that can be in flight. With a vector and a note, it has a cache line.
const _: () = assert!(size_of::<Slot<'_, [u8; 16], u8>>() == 48);

/// Where a request has its status.
pub trait Place {
    /// Whether it comes before the data that the device writes, not after it.
    const STATUS_FIRST: bool;
    /// The number of bytes after the status that the device may write too, if there is more to say.
    const TAIL: usize;
}

/// The status comes last, as for disks.
pub struct StatusLast;

impl Place for StatusLast {
    const STATUS_FIRST: bool = false;
    const TAIL: usize = 0;
}

/// The status comes before the data that the device writes, and `TAIL` more bytes follow it, as for
/// SCSI hosts.
pub struct StatusFirst<const TAIL: usize>;

impl<const TAIL: usize> Place for StatusFirst<TAIL> {
    const STATUS_FIRST: bool = true;
    const TAIL: usize = TAIL;
}

/// The format of descriptors in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As in a split ring.
    Split,
    /// As in a packed ring.
    Packed,
}

impl Format {
    /// Returns the format that was negotiated, or `None` without indirect tables.
    pub(super) fn of(features: Features) -> Option<Self> {
        let format = if features.contains(feature::RING_PACKED) {
            Self::Packed
        } else {
            Self::Split
        };
        features.contains(feature::INDIRECT_DESC).then_some(format)
    }
}

/// The properties of a table that do not depend on addresses and lengths of the data: the number of
/// descriptors of data, and the direction of these. One number, so that it is compared at once.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape(u32);

impl Shape {
    /// Of a table that is not filled.
    pub(super) const NONE: Self = Self(u32::MAX);

    /// Set if the device reads the data, and if it writes them.
    const READ: u32 = 1 << 16;
    const WRITTEN: u32 = 1 << 17;

    #[inline]
    pub(super) fn new(count: u16, direction: Option<Direction>) -> Self {
        let flag = match direction {
            None => 0,
            Some(Direction::ToDevice) => Self::READ,
            Some(Direction::FromDevice) => Self::WRITTEN,
        };
        Self(u32::from(count) | flag)
    }

    /// Returns the number of descriptors of data.
    #[inline]
    pub(super) fn count(self) -> u32 {
        self.0 & u32::from(u16::MAX)
    }

    /// Returns whether the device writes the data.
    #[inline]
    pub(super) fn is_written(self) -> bool {
        self.0 & Self::WRITTEN != 0
    }
}

// SAFETY: The slot is the only one that has the memory at `cpu` (type invariant), which any thread
// may access.
unsafe impl<H, S, P> Send for Slot<'_, H, S, P> {}
// SAFETY: Methods that take a shared reference only read memory, or write atomic cells.
unsafe impl<H, S, P> Sync for Slot<'_, H, S, P> {}

impl<'bound, H, S, P: Place> Slot<'bound, H, S, P> {
    /// The layout of a slot.
    pub(super) const LAYOUT: Layout = Layout::new(size_of::<H>(), Self::STATUS_LEN);

    /// The length of what the device writes besides data, in bytes.
    pub(super) const STATUS_LEN: usize = size_of::<S>() + P::TAIL;

    /// Creates a slot in a piece of memory.
    ///
    /// # Safety
    ///
    /// The memory must be piece `index` of `memory.slots`, with `LAYOUT`. There must be no other slot
    /// there.
    pub(super) unsafe fn new(
        Piece { cpu, addr, tail }: Piece,
        memory: Arc<Memory<'bound>>,
        index: u16,
        format: Option<Format>,
    ) -> Self {
        // INVARIANT: The piece belongs to `memory`, has this layout, and no other slot has it (safety
        // requirements). The table is not filled.
        Self {
            cpu,
            addr,
            status: tail,
            memory,
            shape: Shape::NONE,
            data_len: 0,
            index,
            large_count: 0,
            large: None,
            data_cells: Self::LAYOUT.data_cells,
            format,
            direction: None,
            _types: PhantomData,
        }
    }
}

impl<'bound, H, S, P> Slot<'bound, H, S, P> {
    /// Returns how the device addresses the memory.
    #[inline]
    pub fn dma(&self) -> Dma<'bound> {
        self.memory.slots.dma()
    }

    /// Returns the direction of the data, `None` without data.
    #[inline]
    pub fn direction(&self) -> Option<Direction> {
        self.direction
    }

    /// Sets the direction of the data.
    #[inline]
    pub fn set_direction(&mut self, direction: Option<Direction>) {
        self.direction = direction;
    }
}

impl<H: AsBytes, S: FromBytes + AsBytes, P: Place> Slot<'_, H, S, P> {
    /// Sets the header.
    #[inline]
    pub fn write_header(&mut self, header: H) {
        // SAFETY: The slot has room for the header there (type invariant), and any address is aligned for `H`. A device that violates the specification and reads it at the same time
        // may read a mix of old and new bytes.
        unsafe { self.cpu.cast::<H>().write_volatile(header) }
    }

    /// Sets the status, in case that the device does not write it.
    #[inline]
    pub fn set_status(&mut self, status: S) {
        // SAFETY: The slot has room for the status there (type invariant), and any address is
        // aligned for `S`.
        unsafe { self.status.cast::<S>().write_volatile(status) }
    }

    /// Reads the status once, because the device can write it at any time.
    #[inline]
    pub fn status(&self) -> S {
        // SAFETY: The slot has the status there (type invariant), any address is aligned for `S`,
        // and any bytes are a valid `S`.
        unsafe { self.status.cast::<S>().read_volatile() }
    }

    /// Copies what the device has written after the status to the start of `to`, at most
    /// [`Place::TAIL`] bytes.
    #[cold]
    pub fn read_tail(&self, to: &mut [u8]) {
        for (index, byte) in to.iter_mut().take(P::TAIL).enumerate() {
            // SAFETY: The slot has room for the tail after the status (type invariant), and `index`
            // is within it. The device can write it at any time.
            *byte = unsafe { self.status.add(size_of::<S>() + index).read_volatile() };
        }
    }

    /// Returns the header, for [`Buffers::readable`](crate::virtqueue::Buffers::readable).
    #[inline]
    pub fn header_segment(&self) -> Segment {
        // CAST: Sizes are small.
        Segment {
            addr: self.addr,
            len: size_of::<H>() as u32,
        }
    }

    /// Returns the status and its tail, for
    /// [`Buffers::writable`](crate::virtqueue::Buffers::writable).
    #[inline]
    pub fn status_segment(&self) -> Segment {
        // It is after the header, at the same distance for both sides.
        let distance = self.status.addr().get().wrapping_sub(self.cpu.addr().get());
        // CAST: Distances and sizes are small.
        Segment {
            addr: self.addr.wrapping_add(distance as u64),
            len: Self::STATUS_LEN as u32,
        }
    }
}
