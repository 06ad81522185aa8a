// SPDX-License-Identifier: GPL-2.0

//! Headers, status fields and descriptor tables of requests, allocated and mapped once.
//!
//! C allocates, maps and fills a descriptor table for each request. Here every request has a
//! [`Slot`] for as long as the queue exists, whose table stays as it is: when a request has as
//! many pieces of data as the one before, only their addresses and lengths are written.

use super::FilledTable;
use crate::{
    dma::{
        Coherent,
        Direction,
        Dma, //
    },
    ring::{
        packed,
        split,
        AddError,
        Desc,
        Segment, //
    },
    spec::{
        feature,
        ring::DESC_SIZE, //
    },
};
use core::{
    iter,
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr::NonNull,
    sync::atomic::{
        AtomicU16,
        Ordering, //
    },
};
use kernel::{
    page::PAGE_SIZE,
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    },
};

/// The layout of a slot: table, then header, then status.
///
/// The table comes first because it must be aligned to 16 bytes, and what the device writes comes
/// last, on a cache line of its own.
struct Layout {
    table_len: usize,
    header: usize,
    status: usize,
    size: usize,
}

const CACHE_LINE: usize = 64;

impl Layout {
    const fn new<H, S>(table_len: u16) -> Self {
        let table_len = table_len as usize;
        let header = table_len * size_of::<Desc>();
        let status = (header + size_of::<H>()).next_multiple_of(CACHE_LINE);
        Self {
            table_len,
            header,
            status,
            size: (status + size_of::<S>()).next_multiple_of(CACHE_LINE),
        }
    }
}

/// Shared memory for a fixed number of requests, with headers of type `H`, which the device
/// reads, and status fields of type `S`, which it writes.
///
/// Both must have an alignment of 1, as wire formats do.
///
/// # Invariants
///
/// - Each of `chunks` holds `per_chunk` slots of `layout`, and together they hold `count`.
/// - Slots below `taken` were given out, each once.
pub struct Slab<'bound, H, S> {
    chunks: ManuallyDrop<KVec<Coherent<'bound>>>,
    dma: Dma<'bound>,
    layout: Layout,
    per_chunk: usize,
    count: u16,
    taken: AtomicU16,
    _types: PhantomData<(H, S)>,
}

// SAFETY: What it has of `H` and `S` is plain bytes.
unsafe impl<H, S> Send for Slab<'_, H, S> {}
// SAFETY: `take` is atomic.
unsafe impl<H, S> Sync for Slab<'_, H, S> {}

/// Descriptors in a table that are not data: header and status.
const EXTRA: u16 = 2;

/// What a buffer can have beside header and status, which are far smaller than the rest.
const MAX_DATA: u32 = u32::MAX - 0xffff;

/// Memory is allocated in pieces of at least this many bytes: large enough to be cheap, small
/// enough to be had in a fragmented machine.
const CHUNK: usize = 4 * PAGE_SIZE;

impl<'bound, H: AsBytes, S: FromBytes + AsBytes> Slab<'bound, H, S> {
    const FITS: () = {
        assert!(align_of::<H>() == 1 && align_of::<S>() == 1);
        assert!(size_of::<H>() + size_of::<S>() <= 0xffff);
    };

    /// Allocates `count` slots with tables of `table_len` descriptors, at least one; may sleep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn new(dma: Dma<'bound>, count: u16, table_len: u16) -> Result<Self> {
        const { Self::FITS };
        let layout = Layout::new::<H, S>(table_len.max(1));
        let per_chunk = (CHUNK / layout.size).max(1);
        let nr_chunks = usize::from(count).div_ceil(per_chunk);
        let mut chunks = KVec::with_capacity(nr_chunks, GFP_KERNEL)?;
        for _ in 0..nr_chunks {
            chunks.push(Coherent::new(dma, per_chunk * layout.size)?, GFP_KERNEL)?;
        }
        // INVARIANT: None is given out yet.
        Ok(Self {
            chunks: ManuallyDrop::new(chunks),
            dma,
            layout,
            per_chunk,
            count,
            taken: AtomicU16::new(0),
            _types: PhantomData,
        })
    }

    /// Gives out a slot, or `None` when all are given out. They are not taken back.
    pub fn take(&self) -> Option<Slot<'_, H, S>> {
        let index = self
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |taken| {
                (taken < self.count).then(|| taken + 1)
            })
            .ok()?;
        let index = usize::from(index);
        let chunk = self.chunks.get(index / self.per_chunk)?;
        let offset = index % self.per_chunk * self.layout.size;
        // INVARIANT: `index` was given out just now, and is below `count`.
        Some(Slot {
            // SAFETY: The slot is within the chunk.
            cpu: unsafe { chunk.cpu().add(offset) },
            // CAST: Chunks are small.
            addr: chunk.addr() + offset as u64,
            // CAST: Offsets and sizes are small.
            table_len: self.layout.table_len as u32,
            header: self.layout.header as u32,
            status: self.layout.status as u32,
            is_packed: self.dma.device().features().contains(feature::RING_PACKED),
            shape: None,
            data_len: 0,
            _slab: PhantomData,
        })
    }

    /// The memory that all slots take up, in bytes.
    pub fn size(&self) -> usize {
        self.chunks.iter().map(Coherent::size).sum()
    }
}

impl<H, S> Drop for Slab<'_, H, S> {
    fn drop(&mut self) {
        if !self.dma.device().may_free() {
            // A slot may be in a queue that was leaked for the same reason.
            return;
        }
        // SAFETY: They are dropped once, here; the device was reset.
        unsafe { ManuallyDrop::drop(&mut self.chunks) };
    }
}

/// The shared memory of one request.
///
/// # Invariants
///
/// - `cpu` points to a slot as `Layout::new::<H, S>(table_len)` describes it, valid for `'a`,
///   which the device finds at `addr`. No one else has it.
/// - If there is a `shape`, the table is filled accordingly: header, data, status.
pub struct Slot<'a, H, S> {
    cpu: NonNull<u8>,
    addr: u64,
    table_len: u32,
    header: u32,
    status: u32,
    is_packed: bool,
    shape: Option<Shape>,
    /// The length of the data in the table, in bytes.
    data_len: u32,
    _slab: PhantomData<&'a (H, S)>,
}

/// What of a table does not depend on addresses and lengths of the data.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    /// Number of descriptors of data.
    count: u16,
    /// Who writes the data.
    direction: Direction,
}

// SAFETY: It owns its memory, which consists of plain bytes.
unsafe impl<H, S> Send for Slot<'_, H, S> {}
// SAFETY: Shared references only read.
unsafe impl<H, S> Sync for Slot<'_, H, S> {}

impl<H: AsBytes, S: FromBytes + AsBytes> Slot<'_, H, S> {
    /// Sets the header.
    #[inline]
    pub fn write_header(&mut self, header: H) {
        // SAFETY: By the type invariant it is in bounds; any address is aligned for `H`. The
        // device may read at the same time only if it breaks its rules, and then it reads what
        // it deserves.
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
        // SAFETY: As in `write_header`.
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
        // SAFETY: By the type invariant it is in bounds; any address is aligned for `S`, and any
        // bytes are one.
        unsafe {
            self.cpu
                .add(self.status as usize)
                .cast::<S>()
                .read_volatile()
        }
    }

    /// The header, for [`Buffers::readable`](super::Buffers::readable).
    #[inline]
    pub fn header_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + u64::from(self.header),
            len: size_of::<H>() as u32,
        }
    }

    /// The status, for [`Buffers::writable`](super::Buffers::writable).
    #[inline]
    pub fn status_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + u64::from(self.status),
            len: size_of::<S>() as u32,
        }
    }

    #[inline]
    fn cells(&self) -> &[Desc] {
        // SAFETY: By the type invariant; the slot is aligned to a cache line, and its cells are
        // atomics, valid for any bits.
        unsafe {
            NonNull::slice_from_raw_parts(self.cpu.cast::<Desc>(), self.table_len as usize).as_ref()
        }
    }

    /// Fills the table: header, the segments that `data` returns, status. Each time that it is
    /// called, `data` must return the same.
    ///
    /// # Errors
    ///
    /// [`AddError::TooManyElements`] when the table is too small, [`AddError::TooLong`] and
    /// [`AddError::Empty`] for impossible lengths.
    #[inline]
    pub fn fill<I: Iterator<Item = Segment>>(
        &mut self,
        direction: Direction,
        data: impl Fn() -> I,
    ) -> Result<(), AddError> {
        // INVARIANT: Nothing is known about the table until it is filled completely.
        let before = self.shape.take();
        let (count, len) = self.write_data(data())?;
        if len > MAX_DATA {
            return Err(AddError::TooLong);
        }
        let shape = Shape { count, direction };
        if before != Some(shape) && self.reshape(direction, data())? != count.wrapping_add(EXTRA) {
            return Err(AddError::BadTable);
        }
        self.data_len = len;
        self.shape = Some(shape);
        Ok(())
    }

    /// Writes addresses and lengths of data behind the header, and returns how many there are and
    /// their length together.
    #[inline]
    fn write_data(&self, data: impl Iterator<Item = Segment>) -> Result<(u16, u32), AddError> {
        let mut cells = self.cells().get(1..).unwrap_or_default().iter();
        let mut count = 0u16;
        let mut len = 0u32;
        for segment in data {
            if segment.len == 0 {
                return Err(AddError::Empty);
            }
            let cell = cells.next().ok_or(AddError::TooManyElements)?;
            cell.addr.write(segment.addr);
            cell.len.write(segment.len);
            len = len.checked_add(segment.len).ok_or(AddError::TooLong)?;
            count = count.wrapping_add(1);
        }
        Ok((count, len))
    }

    /// Fills the table from scratch and returns its length in descriptors.
    #[cold]
    fn reshape(
        &mut self,
        direction: Direction,
        data: impl Iterator<Item = Segment>,
    ) -> Result<u16, AddError> {
        let mut readable = None;
        let mut writable = None;
        match direction {
            Direction::ToDevice => readable = Some(data),
            Direction::FromDevice => writable = Some(data),
        }
        let header = iter::once(self.header_segment());
        let readable = Iterator::chain(header, readable.into_iter().flatten());
        let status = iter::once(self.status_segment());
        let writable = Iterator::chain(writable.into_iter().flatten(), status);
        // CAST: Tables have at most as many descriptors as a queue.
        let max = self.table_len as u16;
        let table = if self.is_packed {
            packed::fill_table(self.cells(), max, readable, writable)?
        } else {
            split::fill_table(self.cells(), max, readable, writable)?
        };
        Ok(table.count)
    }

    /// The table, for [`Buffers::table`](super::Buffers::table); if it is filled.
    #[inline]
    pub fn table(&self) -> Option<FilledTable> {
        let shape = self.shape?;
        let data_in = match shape.direction {
            Direction::FromDevice => self.data_len,
            Direction::ToDevice => 0,
        };
        Some(FilledTable {
            segment: Segment {
                addr: self.addr,
                len: (u32::from(shape.count) + u32::from(EXTRA)) * DESC_SIZE,
            },
            // CAST: A status is small.
            writable_len: data_in.wrapping_add(size_of::<S>() as u32),
        })
    }
}
