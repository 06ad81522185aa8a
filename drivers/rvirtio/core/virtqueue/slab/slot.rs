// SPDX-License-Identifier: GPL-2.0

//! The header, status and descriptor table of one request.

use super::{
    spare::{
        Spare,
        Spares, //
    },
    Layout, //
};
use crate::{
    dma::{
        Direction,
        Dma, //
    },
    ring::{
        packed,
        split,
        AddError,
        Desc,
        Segment,
        Table, //
    },
    spec::{
        feature,
        ring::DESC_SIZE, //
    },
    virtqueue::FilledTable, //
};
use core::{
    iter,
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::transmute::{
    AsBytes,
    FromBytes, //
};

/// Descriptors in a table that are not data: header and status.
const EXTRA: u16 = 2;

/// What a buffer can have beside header and status, which are far smaller than the rest.
const MAX_DATA: u32 = u32::MAX - 0xffff;

/// The shared memory of one request.
///
/// # Invariants
///
/// - `cpu` points to a slot as `Layout::new::<H, S>(table_len)` describes it, valid for `'a`,
///   which the device finds at `addr`. No one else has it.
/// - If there is a `shape`, the table is filled accordingly: header, data, status. If there is none
///   but a `large` table, that one is, as its [`FilledTable`] says.
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
    /// Where there are larger tables.
    spares: &'a Spares<'a>,
    /// The one that is used instead, and how it is filled.
    large: Option<(Spare<'a>, FilledTable)>,
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

impl<'a, H, S> Slot<'a, H, S> {
    /// Creates the slot that CPU and device find at `piece`.
    ///
    /// # Safety
    ///
    /// The memory must be large enough for `layout`, which must be one of `H` and `S`, aligned to a
    /// cache line, valid for `'a` and shared with the device of `dma`. There must be no other slot
    /// there.
    pub(super) unsafe fn new(
        (cpu, addr): (NonNull<u8>, u64),
        dma: Dma<'_>,
        layout: &Layout,
        spares: &'a Spares<'a>,
    ) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            cpu,
            addr,
            table_len: layout.table_len.into(),
            // CAST: Offsets and sizes are small.
            header: layout.header as u32,
            status: layout.status as u32,
            is_packed: dma.device().features().contains(feature::RING_PACKED),
            shape: None,
            data_len: 0,
            spares,
            large: None,
            _slab: PhantomData,
        }
    }

    /// Whether there is anything to [`release`](Slot::release).
    #[inline]
    pub fn has_large_table(&self) -> bool {
        self.large.is_some()
    }

    /// Gives back what the request needed beyond what every slot has. The device must be done.
    #[inline]
    pub fn release(&mut self) {
        self.large = None;
    }
}

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

    /// The header, for [`Buffers::readable`](crate::virtqueue::Buffers::readable).
    #[inline]
    pub fn header_segment(&self) -> Segment {
        // CAST: Offsets and sizes are small.
        Segment {
            addr: self.addr + u64::from(self.header),
            len: size_of::<H>() as u32,
        }
    }

    /// The status, for [`Buffers::writable`](crate::virtqueue::Buffers::writable).
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
    /// When there are so many segments that there is no table for them now, [`Slot::table`] is
    /// `None` afterwards.
    ///
    /// # Errors
    ///
    /// [`AddError::TooLong`] and [`AddError::Empty`] for impossible lengths, and
    /// [`AddError::TooManyElements`] when there are more segments than any table has room for.
    #[inline]
    pub fn fill<I: Iterator<Item = Segment>>(
        &mut self,
        direction: Direction,
        data: impl Fn() -> I,
    ) -> Result<(), AddError> {
        // INVARIANT: Nothing is known about the table until it is filled completely.
        let before = self.shape.take();
        let (count, len) = match self.write_data(data()) {
            Err(AddError::TooManyElements) => return self.fill_large(direction, data()),
            written => written?,
        };
        if len > MAX_DATA {
            return Err(AddError::TooLong);
        }
        let shape = Shape { count, direction };
        if before != Some(shape) {
            let table = self.fill_cells(self.cells(), direction, data())?;
            if table.count != count.wrapping_add(EXTRA) {
                return Err(AddError::BadTable);
            }
        }
        self.data_len = len;
        self.shape = Some(shape);
        Ok(())
    }

    /// Fills a large table, if there is one.
    #[cold]
    fn fill_large(
        &mut self,
        direction: Direction,
        data: impl Iterator<Item = Segment>,
    ) -> Result<(), AddError> {
        self.release();
        let Some(spare) = self.spares.take() else {
            return Ok(());
        };
        let table = self.fill_cells(spare.cells(), direction, data)?;
        let segment = Segment {
            addr: spare.addr(),
            len: u32::from(table.count) * DESC_SIZE,
        };
        let filled = FilledTable {
            segment,
            writable_len: table.writable_len,
        };
        self.large = Some((spare, filled));
        Ok(())
    }

    /// Writes addresses and lengths of data behind the header, and returns how many there are and
    /// their length together.
    #[inline]
    fn write_data(&self, data: impl Iterator<Item = Segment>) -> Result<(u16, u32), AddError> {
        // The first one is for the header, the last one for the status.
        let mut cells = match self.cells() {
            [_, cells @ .., _] => cells.iter(),
            _ => [].iter(),
        };
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

    /// Fills a table from scratch.
    #[cold]
    fn fill_cells(
        &self,
        cells: &[Desc],
        direction: Direction,
        data: impl Iterator<Item = Segment>,
    ) -> Result<Table, AddError> {
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
        let max = cells.len() as u16;
        if self.is_packed {
            packed::fill_table(cells, max, readable, writable)
        } else {
            split::fill_table(cells, max, readable, writable)
        }
    }

    /// The table, for [`Buffers::table`](crate::virtqueue::Buffers::table); if it is filled.
    #[inline]
    pub fn table(&self) -> Option<FilledTable> {
        let Some(shape) = self.shape else {
            return self.large.as_ref().map(|(_, table)| *table);
        };
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
