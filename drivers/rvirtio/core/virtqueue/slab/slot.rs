// SPDX-License-Identifier: GPL-2.0

//! The header, status and descriptor table of one request.

use super::{
    layout::{
        Layout,
        DATA_CELLS, //
    },
    memory::Memory,
    spare::Spare, //
};
use crate::{
    dma::Direction,
    ring::{
        Desc,
        Segment, //
    },
    spec::feature::{
        self,
        Features, //
    }, //
};
use core::{
    marker::PhantomData,
    num::NonZeroU16,
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
/// - `cpu` points to piece `index` of `memory.slots`, with the layout `LAYOUT`, which has the address
///   `addr` for the device. No other slot has it.
/// - `table` points to `data_cells` and two more descriptors, which have the address `table_addr` for
///   the device, and are at the beginning of that piece, or piece `index` of `memory.grown`.
/// - If there is a `shape`, the table is filled accordingly: header, data and status. Otherwise, if
///   there is a `large` table, that one is filled as described there. It belongs to `memory`.
pub struct Slot<'bound, H, S, P = StatusLast> {
    cpu: NonNull<u8>,
    addr: u64,
    pub(super) table: NonNull<Desc>,
    pub(super) table_addr: u64,
    /// The number of descriptors for data in the table.
    pub(super) data_cells: u16,
    pub(super) index: u16,
    pub(super) format: Option<Format>,
    pub(super) shape: Option<Shape>,
    /// The length of the data in the table, in bytes.
    pub(super) data_len: u32,
    /// A larger table that is used instead.
    pub(super) large: Option<Large>,
    /// The slab, to which the memory and the larger tables belong.
    pub(super) memory: Arc<Memory<'bound>>,
    _types: PhantomData<fn(H) -> (S, P)>,
}

// There is one for each request that can be in flight.
const _: () = assert!(size_of::<Slot<'_, [u8; 16], u8>>() == 64);

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

/// A large table that is filled.
pub(super) struct Large {
    pub(super) spare: Spare,
    /// Number of its descriptors that are in use.
    pub(super) count: NonZeroU16,
    /// The total length of the device-writable segments, in bytes.
    pub(super) writable_len: u32,
}

/// The properties of a table that do not depend on addresses and lengths of the data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of descriptors of data.
    pub(super) count: u16,
    /// The direction of the data, `None` without data.
    pub(super) direction: Option<Direction>,
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

    /// Creates a slot in a piece of memory with the given addresses for CPU and device.
    ///
    /// # Safety
    ///
    /// The memory must be piece `index` of `memory.slots`, large enough for `LAYOUT`, and aligned to a
    /// cache line. There must be no other slot there.
    pub(super) unsafe fn new(
        (cpu, addr): (NonNull<u8>, u64),
        memory: Arc<Memory<'bound>>,
        index: u16,
        format: Option<Format>,
    ) -> Self {
        // INVARIANT: The piece belongs to `memory`, is large enough for `LAYOUT`, and no other slot
        // has it (safety requirements). A table is at its beginning, and not filled.
        Self {
            cpu,
            addr,
            table: cpu.cast(),
            table_addr: addr,
            data_cells: DATA_CELLS,
            index,
            format,
            shape: None,
            data_len: 0,
            large: None,
            memory,
            _types: PhantomData,
        }
    }
}

impl<H: AsBytes, S: FromBytes + AsBytes, P: Place> Slot<'_, H, S, P> {
    /// Sets the header.
    #[inline]
    pub fn write_header(&mut self, header: H) {
        // SAFETY: The slot has room for the header there (type invariant), and any address is
        // aligned for `H`. A device that violates the specification and reads it at the same time
        // may read a mix of old and new bytes.
        unsafe {
            self.cpu
                .add(Self::LAYOUT.header)
                .cast::<H>()
                .write_volatile(header)
        }
    }

    /// Sets the status, in case that the device does not write it.
    #[inline]
    pub fn set_status(&mut self, status: S) {
        // SAFETY: The slot has room for the status there (type invariant), and any address is
        // aligned for `S`.
        unsafe {
            self.cpu
                .add(Self::LAYOUT.status)
                .cast::<S>()
                .write_volatile(status)
        }
    }

    /// Reads the status once, because the device can write it at any time.
    #[inline]
    pub fn status(&self) -> S {
        // SAFETY: The slot has the status there (type invariant), any address is aligned for `S`,
        // and any bytes are a valid `S`.
        unsafe {
            self.cpu
                .add(Self::LAYOUT.status)
                .cast::<S>()
                .read_volatile()
        }
    }

    /// Copies what the device has written after the status to the start of `to`, at most
    /// [`Place::TAIL`] bytes.
    #[cold]
    pub fn read_tail(&self, to: &mut [u8]) {
        let tail = Self::LAYOUT.status + size_of::<S>();
        for (index, byte) in to.iter_mut().take(P::TAIL).enumerate() {
            // SAFETY: The slot has room for the tail after the status (type invariant), and `index`
            // is within it. The device can write it at any time.
            *byte = unsafe { self.cpu.add(tail + index).read_volatile() };
        }
    }

    /// Returns the header, for [`Buffers::readable`](crate::virtqueue::Buffers::readable).
    #[inline]
    pub fn header_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + Self::LAYOUT.header as u64,
            len: size_of::<H>() as u32,
        }
    }

    /// Returns the status and its tail, for
    /// [`Buffers::writable`](crate::virtqueue::Buffers::writable).
    #[inline]
    pub fn status_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + Self::LAYOUT.status as u64,
            len: Self::STATUS_LEN as u32,
        }
    }
}
