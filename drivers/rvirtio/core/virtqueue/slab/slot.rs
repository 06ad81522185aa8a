// SPDX-License-Identifier: GPL-2.0

//! The header, status and descriptor table of one request.

use super::{
    layout::Layout,
    memory::Memory,
    spare::Spare, //
};
use crate::{
    dma::Direction,
    ring::Segment,
    spec::feature::{
        self,
        Features, //
    },
    virtqueue::buffers::FilledTable, //
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
/// - `cpu` points to a piece of `memory` with a layout of `Layout::new`, which has the address
///   `addr` for the device. No other slot has it.
/// - If there is a `shape`, the table is filled accordingly: header, data, status. Otherwise, if
///   there is a `large` table, that one is filled as described by its [`FilledTable`]. A `large`
///   table belongs to `memory`.
pub struct Slot<'bound, H, S> {
    pub(super) cpu: NonNull<u8>,
    pub(super) addr: u64,
    /// The number of descriptors for data in the table.
    pub(super) data_cells: u32,
    header: u32,
    status: u32,
    pub(super) format: Option<Format>,
    pub(super) shape: Option<Shape>,
    /// The length of the data in the table, in bytes.
    pub(super) data_len: u32,
    /// A larger table that is used instead, and its content.
    pub(super) large: Option<(Spare, FilledTable)>,
    /// The slab, to which the memory and the larger table belong.
    pub(super) memory: Arc<Memory<'bound>>,
    _types: PhantomData<fn(H) -> S>,
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
unsafe impl<H, S> Send for Slot<'_, H, S> {}
// SAFETY: Methods that take a shared reference only read memory, or write atomic cells.
unsafe impl<H, S> Sync for Slot<'_, H, S> {}

impl<'bound, H, S> Slot<'bound, H, S> {
    /// Creates a slot in a piece of memory with the given addresses for CPU and device.
    ///
    /// # Safety
    ///
    /// The memory must be a piece of `memory`, large enough for `layout`, which must be one of `H`
    /// and `S`, and aligned to a cache line. There must be no other slot there.
    pub(super) unsafe fn new(
        (cpu, addr): (NonNull<u8>, u64),
        memory: Arc<Memory<'bound>>,
        layout: &Layout,
        format: Option<Format>,
    ) -> Self {
        // INVARIANT: The piece belongs to `memory`, is large enough for `layout`, and no other slot
        // has it (safety requirements). No table is filled.
        Self {
            cpu,
            addr,
            data_cells: layout.data_cells.into(),
            // CAST: Offsets are small.
            header: layout.header as u32,
            status: layout.status as u32,
            format,
            shape: None,
            data_len: 0,
            large: None,
            memory,
            _types: PhantomData,
        }
    }
}

impl<H: AsBytes, S: FromBytes + AsBytes> Slot<'_, H, S> {
    /// Sets the header.
    #[inline]
    pub fn write_header(&mut self, header: H) {
        // SAFETY: The slot has room for the header there (type invariant), and any address is
        // aligned for `H`. A device that violates the specification and reads it at the same time
        // may read a mix of old and new bytes.
        unsafe {
            self.cpu
                .add(self.header as usize)
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
                .add(self.status as usize)
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
                .add(self.status as usize)
                .cast::<S>()
                .read_volatile()
        }
    }

    /// Returns the header, for [`Buffers::readable`](crate::virtqueue::Buffers::readable).
    #[inline]
    pub fn header_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + u64::from(self.header),
            len: size_of::<H>() as u32,
        }
    }

    /// Returns the status, for [`Buffers::writable`](crate::virtqueue::Buffers::writable).
    #[inline]
    pub fn status_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + u64::from(self.status),
            len: size_of::<S>() as u32,
        }
    }
}
