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
/// Its methods access that memory and nothing else; they do not know whether the device has it.
/// Whoever tells the device about it keeps them from being called until the device is done.
///
/// # Invariants
///
/// - `cpu` points to a piece of `memory` as `Layout::new` describes it, which the device
///   finds at `addr`. No one else has it.
/// - If there is a `shape`, the table is filled accordingly: header, data, status. If there is none
///   but a `large` table, that one is, as its [`FilledTable`] says. It is one of
///   `memory`.
pub struct Slot<'bound, H, S> {
    pub(super) cpu: NonNull<u8>,
    pub(super) addr: u64,
    /// Descriptors in the table that are for data.
    pub(super) data_cells: u32,
    header: u32,
    status: u32,
    pub(super) format: Option<Format>,
    pub(super) shape: Option<Shape>,
    /// The length of the data in the table, in bytes.
    pub(super) data_len: u32,
    /// A larger table that is used instead, and how it is filled.
    pub(super) large: Option<(Spare, FilledTable)>,
    /// Where the memory and larger tables are from.
    pub(super) memory: Arc<Memory<'bound>>,
    _types: PhantomData<fn(H) -> S>,
}

/// How descriptors in tables are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// As in a split ring.
    Split,
    /// As in a packed ring.
    Packed,
}

impl Format {
    /// Returns the format that was negotiated, `None` if there are no tables.
    pub(super) fn of(features: Features) -> Option<Self> {
        let format = if features.contains(feature::RING_PACKED) {
            Self::Packed
        } else {
            Self::Split
        };
        features.contains(feature::INDIRECT_DESC).then_some(format)
    }
}

/// What of a table does not depend on addresses and lengths of the data.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    /// Number of descriptors of data.
    pub(super) count: u16,
    /// Where the data goes, `None` if there is none.
    pub(super) direction: Option<Direction>,
}

// SAFETY: `cpu` points to memory that it owns, which any thread may access.
unsafe impl<H, S> Send for Slot<'_, H, S> {}
// SAFETY: Methods that take a shared reference only read memory, or write atomic cells.
unsafe impl<H, S> Sync for Slot<'_, H, S> {}

impl<'bound, H, S> Slot<'bound, H, S> {
    /// Creates the slot that CPU and device find at `piece`.
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
        // INVARIANT: By the safety requirements. Nothing is filled.
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
        // aligned for `H`. A device that reads at the same time breaks its rules, and may read a
        // mix of old and new bytes.
        unsafe {
            self.cpu
                .add(self.header as usize)
                .cast::<H>()
                .write_volatile(header)
        }
    }

    /// Sets the status, for the case that the device does not.
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

    /// Reads the status, from memory that the device can write: once.
    #[inline]
    pub fn status(&self) -> S {
        // SAFETY: The status is there (type invariant), any address is aligned for `S`, and any
        // bytes are one.
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
