// SPDX-License-Identifier: GPL-2.0

//! The descriptor table of a request: header, data and status.

use super::{
    layout::{
        EXTRA_DESCRIPTORS,
        GROWN_CELLS, //
    },
    slot::{
        Format,
        Place,
        Shape,
        Slot, //
    },
    spare::Spare, //
};
use crate::{
    dma::Direction,
    ring::{
        packed,
        split,
        AddError,
        Desc,
        Segment,
        Table, //
    },
    spec::ring::DESC_SIZE,
    virtqueue::buffers::FilledTable, //
};
use core::{
    iter,
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::transmute::{
    AsBytes,
    FromBytes, //
};

/// The largest length of data in bytes. The rest is more than enough for header and status.
const MAX_DATA: u32 = u32::MAX - 0xffff;

impl<H, S, P> Slot<'_, H, S, P> {
    /// Returns whether [`release`](Slot::release) has to be called.
    #[inline]
    pub fn has_large_table(&self) -> bool {
        self.large.is_some()
    }

    /// Releases the large table of the request, if it has one. The device must not use it any more.
    #[inline]
    pub fn release(&mut self) {
        if let Some(spare) = self.large.take() {
            self.memory.spares.put(spare);
        }
    }
}

impl<H: AsBytes, S: FromBytes + AsBytes, P: Place> Slot<'_, H, S, P> {
    /// Gives the slot a larger piece of memory for good, with the same header and status. Returns `false`
    /// if it has one, or cannot get one. The device must not use the slot any more.
    fn grow(&mut self) -> bool {
        if self.data_cells >= GROWN_CELLS {
            return false;
        }
        let Some(piece) = self.memory.grown.get(self.index) else {
            return false;
        };
        let (to, from) = (piece.cpu.cast::<MaybeUninit<H>>(), self.cpu.cast());
        // SAFETY: Both have room for a header (type invariant), and any address is aligned for `H`.
        unsafe { to.write_volatile(from.read_volatile()) };
        let status = self.status();
        // INVARIANT: The pieces of `grown` are as large as such a table, which is not filled. This slot
        // has the one with its index.
        self.shape = Shape::NONE;
        (self.cpu, self.addr, self.status) = (piece.cpu, piece.addr, piece.tail);
        self.data_cells = GROWN_CELLS;
        self.set_status(status);
        true
    }

    /// Returns a part of the table.
    ///
    /// # Safety
    ///
    /// The table must have `first` and `len` more descriptors.
    #[inline]
    unsafe fn part(&self, first: usize, len: usize) -> &[Desc] {
        // SAFETY: There are so many descriptors at this offset (safety requirement, type invariant),
        // which is a multiple of their size, in a piece that is aligned to a cache line. Cells are
        // atomics, valid for any bits.
        unsafe {
            let table = self.cpu.add(Self::LAYOUT.table).cast::<Desc>();
            NonNull::slice_from_raw_parts(table.add(first), len).as_ref()
        }
    }

    /// Returns the descriptors of the table.
    #[inline]
    fn cells(&self) -> &[Desc] {
        let len = usize::from(self.data_cells) + usize::from(EXTRA_DESCRIPTORS);
        // SAFETY: A table has `len` descriptors (type invariant).
        unsafe { self.part(0, len) }
    }

    /// Returns the descriptors for data in `direction` in the table.
    #[inline]
    fn data_cells(&self, direction: Option<Direction>) -> &[Desc] {
        let len = usize::from(self.data_cells);
        let first = if P::STATUS_FIRST && direction == Some(Direction::FromDevice) {
            2
        } else {
            1
        };
        // SAFETY: A table has `len + 2` descriptors (type invariant), of which these follow the first
        // one or two.
        unsafe { self.part(first, len) }
    }

    /// Fills the table: header, the segments that `data` returns, and the status in its place.
    /// `data` must always return the same segments.
    ///
    /// [`Slot::table`] is `None` afterwards if the segments need a larger table and there is none, or
    /// if `INDIRECT_DESC` was not negotiated. Allocates memory with `GFP_ATOMIC` at most.
    ///
    /// # Errors
    ///
    /// [`AddError::TooLong`] and [`AddError::Empty`] for invalid lengths, and
    /// [`AddError::TooManyElements`] if there are more segments than fit into a large table.
    // Always inlined: a queue has two callers, and this is half of what they do.
    #[inline(always)]
    pub fn fill<I: Iterator<Item = Segment>>(
        &mut self,
        direction: Option<Direction>,
        data: impl Fn() -> I,
    ) -> Result<(), AddError> {
        if self.format.is_none() {
            return Ok(());
        }
        match self.write_data(direction, data()) {
            Ok((count, len)) => {
                self.data_len = len;
                if self.shape == Shape::new(count, direction) {
                    Ok(())
                } else {
                    self.fill_all(direction, count, data())
                }
            }
            Err(error) => self.fill_other(error, direction, data),
        }
    }

    /// Fills all of the table, which then has `count` segments of data.
    #[cold]
    fn fill_all(
        &mut self,
        direction: Option<Direction>,
        count: u16,
        data: impl Iterator<Item = Segment>,
    ) -> Result<(), AddError> {
        // INVARIANT: The content of the table is unknown until it is filled.
        self.shape = Shape::NONE;
        let table = self.fill_cells(self.cells(), direction, data)?;
        if table.count != count.wrapping_add(EXTRA_DESCRIPTORS) {
            return Err(AddError::BadTable);
        }
        self.shape = Shape::new(count, direction);
        Ok(())
    }

    /// Fills another table if `error` is that this one is too small.
    #[cold]
    fn fill_other<I: Iterator<Item = Segment>>(
        &mut self,
        error: AddError,
        direction: Option<Direction>,
        data: impl Fn() -> I,
    ) -> Result<(), AddError> {
        // INVARIANT: The content of the table is unknown now.
        self.shape = Shape::NONE;
        match error {
            AddError::TooManyElements => self.fill_larger(direction, data),
            _ => Err(error),
        }
    }

    /// Fills a larger table, if there is one.
    #[cold]
    fn fill_larger<I: Iterator<Item = Segment>>(
        &mut self,
        direction: Option<Direction>,
        data: impl Fn() -> I,
    ) -> Result<(), AddError> {
        if data().nth(GROWN_CELLS.into()).is_none() {
            // With a table of that size this is not called again.
            return if self.grow() {
                self.fill(direction, data)
            } else {
                Ok(())
            };
        }
        self.release();
        let Some(spare) = self.memory.spares.take() else {
            return Ok(());
        };
        match self.fill_spare(&spare, direction, data()) {
            Ok(Some(table)) => {
                // INVARIANT: The large table is filled.
                self.large = Some(spare);
                self.large_count = table.count;
                self.data_len = table.writable_len;
                Ok(())
            }
            Ok(None) => {
                self.memory.spares.put(spare);
                Ok(())
            }
            Err(error) => {
                self.memory.spares.put(spare);
                Err(error)
            }
        }
    }

    /// Fills a large table. Returns `None` if there is no memory for it.
    fn fill_spare(
        &self,
        spare: &Spare,
        direction: Option<Direction>,
        data: impl Iterator<Item = Segment>,
    ) -> Result<Option<Table>, AddError> {
        let Some((cells, _)) = self.memory.spares.table(spare) else {
            return Ok(None);
        };
        self.fill_cells(cells, direction, data).map(Some)
    }

    /// Writes addresses and lengths of the data into its descriptors, and returns the number of
    /// segments and their total length.
    #[inline]
    fn write_data(
        &self,
        direction: Option<Direction>,
        data: impl Iterator<Item = Segment>,
    ) -> Result<(u16, u32), AddError> {
        let mut cells = self.data_cells(direction).iter();
        let mut len = 0u32;
        for segment in data {
            if segment.len == 0 {
                return Err(AddError::Empty);
            }
            let cell = cells.next().ok_or(AddError::TooManyElements)?;
            cell.addr.write(segment.addr);
            cell.len.write(segment.len);
            len = len.checked_add(segment.len).ok_or(AddError::TooLong)?;
        }
        if len > MAX_DATA {
            return Err(AddError::TooLong);
        }
        // CAST: There are fewer than 2^16 cells.
        let count = usize::from(self.data_cells) - cells.len();
        Ok((count as u16, len))
    }

    /// Fills all of a table.
    #[cold]
    fn fill_cells(
        &self,
        cells: &[Desc],
        direction: Option<Direction>,
        data: impl Iterator<Item = Segment>,
    ) -> Result<Table, AddError> {
        let mut readable = None;
        let mut writable = None;
        match direction {
            Some(Direction::ToDevice) => readable = Some(data),
            Some(Direction::FromDevice) => writable = Some(data),
            None => (),
        }
        let header = iter::once(self.header_segment());
        let readable = Iterator::chain(header, readable.into_iter().flatten());
        let status = iter::once(self.status_segment());
        let writable = writable.into_iter().flatten();
        if P::STATUS_FIRST {
            self.fill_with(cells, readable, Iterator::chain(status, writable))
        } else {
            self.fill_with(cells, readable, Iterator::chain(writable, status))
        }
    }

    fn fill_with(
        &self,
        cells: &[Desc],
        readable: impl Iterator<Item = Segment>,
        writable: impl Iterator<Item = Segment>,
    ) -> Result<Table, AddError> {
        // CAST: Tables have at most as many descriptors as a queue.
        let max = cells.len() as u16;
        match self.format {
            Some(Format::Packed) => packed::fill_table(cells, max, readable, writable),
            Some(Format::Split) => split::fill_table(cells, max, readable, writable),
            None => Err(AddError::BadTable),
        }
    }

    /// Returns the table for [`Buffers::table`](crate::virtqueue::Buffers::table), if it is filled.
    #[inline]
    pub fn table(&self) -> Option<FilledTable> {
        if self.shape == Shape::NONE {
            return self.large_table();
        }
        let data_in = if self.shape.is_written() {
            self.data_len
        } else {
            0
        };
        Some(FilledTable {
            segment: Segment {
                // CAST: A small offset.
                addr: self.addr + Self::LAYOUT.table as u64,
                len: (self.shape.count() + u32::from(EXTRA_DESCRIPTORS)) * DESC_SIZE,
            },
            // CAST: A status is small.
            writable_len: data_in.wrapping_add(Self::STATUS_LEN as u32),
        })
    }

    #[cold]
    fn large_table(&self) -> Option<FilledTable> {
        let (_, addr) = self.memory.spares.table(self.large.as_ref()?)?;
        Some(FilledTable {
            segment: Segment {
                addr,
                len: u32::from(self.large_count) * DESC_SIZE,
            },
            writable_len: self.data_len,
        })
    }
}
