// SPDX-License-Identifier: GPL-2.0

//! Requests that consist of a header, data and a status.
//!
//! The device reads a header, then reads the data, or writes it, and writes a status after that, or
//! before it: disks and SCSI hosts work this way. An [`Exchange`] is the memory of such a request while it is in flight. It
//! is created once for each request that can be in flight, and used for one request after the
//! other.

pub use super::slab::{
    Place,
    StatusFirst,
    StatusLast,
    EXTRA_DESCRIPTORS, //
};

use super::{
    buffers::FilledTable,
    slab::{
        self,
        Slot, //
    }, //
};
use crate::{
    dma::{
        Direction,
        Dma, //
    },
    ring::Segment,
    spec::feature::Features, //
};
use core::{
    iter,
    slice, //
};
use kernel::{
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};

/// The memory of a request in flight: a header `H`, a status `S` in the place `P`, a descriptor
/// table, and mappings of its data.
///
/// `N` is a note of the driver about the request, in memory that the device cannot access.
///
/// An exchange does not own the data, and does not track whether the device has it. A type that
/// implements [`Buffers`](super::Buffers) with the segments and the table of an exchange guarantees
/// that the exchange cannot be changed or dropped while the device has them.
///
/// # Invariants
///
/// The segments in `mapped` are mapped in the direction of the slot. `mapped` is `None` if the device uses
/// physical addresses.
pub struct Exchange<'bound, H, S, N = (), P = StatusLast> {
    slot: Slot<'bound, H, S, P>,
    /// In a box, as most devices have none.
    mapped: Option<KBox<KVec<Segment>>>,
    note: N,
}

impl<'bound, H: AsBytes, S: FromBytes + AsBytes, N, P: Place> Exchange<'bound, H, S, N, P> {
    /// Allocates `count` exchanges for data of up to `max_segments` segments; may sleep.
    ///
    /// Their memory is freed when the last of them is dropped.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`].
    pub fn allocate(
        dma: Dma<'bound>,
        features: Features,
        count: u16,
        max_segments: u16,
    ) -> Result<KVVec<Self>>
    where
        N: Default,
    {
        let slots = slab::split(dma, features, count, max_segments)?;
        let mut exchanges = KVVec::with_capacity(slots.len(), GFP_KERNEL)?;
        for slot in slots {
            let mapped = if dma.is_physical() {
                None
            } else {
                let room = KVec::with_capacity(usize::from(max_segments), GFP_KERNEL)?;
                Some(KBox::new(room, GFP_KERNEL)?)
            };
            // INVARIANT: `mapped` has no segments.
            let exchange = Self {
                slot,
                mapped,
                note: N::default(),
            };
            exchanges.push(exchange, GFP_KERNEL)?;
        }
        Ok(exchanges)
    }

    /// Sets header, status and note, makes the data accessible to the device, and fills the table.
    ///
    /// `data` returns the data in physical memory, and must always return the same. `direction` is
    /// `None` without data. [`Exchange::status`] returns `status` if the device does not write one.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if the data temporarily cannot be mapped, [`EINVAL`] if it can never be mapped.
    #[inline(always)]
    pub fn prepare<I: Iterator<Item = Segment>>(
        &mut self,
        header: H,
        status: S,
        note: N,
        direction: Option<Direction>,
        data: impl Fn() -> I,
    ) -> Result {
        self.note = note;
        self.slot.write_header(header);
        self.slot.set_status(status);
        if self.mapped.is_some() {
            return self.map_and_fill(direction, data());
        }
        self.slot.set_direction(direction);
        self.slot.fill(direction, data).map_err(|_| EINVAL)
    }

    /// Maps the data and fills the table. Not inlined, because mapping costs far more than a call.
    #[inline(never)]
    fn map_and_fill(
        &mut self,
        direction: Option<Direction>,
        data: impl Iterator<Item = Segment>,
    ) -> Result {
        self.unmap();
        // INVARIANT: `unmap` has removed all segments, so none is mapped in another direction.
        self.slot.set_direction(direction);
        let filled = self.map(data).and_then(|()| {
            let mapped = self.mapped.as_deref().map_or(&[][..], |mapped| mapped);
            let segments = || mapped.iter().copied();
            self.slot.fill(direction, segments).map_err(|_| EINVAL)
        });
        // On failure, none of the data stays mapped.
        filled.inspect_err(|_| self.unmap())
    }

    /// Returns the status that the device, or else [`Exchange::prepare`], has written.
    #[inline]
    pub fn status(&self) -> S {
        self.slot.status()
    }

    /// Copies what the device has written after the status to the start of `to`; see
    /// [`Place::TAIL`].
    pub fn read_tail(&self, to: &mut [u8]) {
        self.slot.read_tail(to);
    }

    /// Returns the note that was passed to [`Exchange::prepare`].
    #[inline]
    pub fn note(&self) -> &N {
        &self.note
    }

    /// Returns the segments that the device reads, for
    /// [`Buffers::readable`](super::Buffers::readable). `physical` is the data that was passed to
    /// [`Exchange::prepare`].
    #[inline]
    pub fn readable<I: Iterator<Item = Segment>>(
        &self,
        physical: I,
    ) -> impl Iterator<Item = Segment> + use<'_, I, H, S, N, P> {
        let header = iter::once(self.slot.header_segment());
        Iterator::chain(header, self.data(Direction::ToDevice, physical))
    }

    /// Returns the segments that the device writes, for
    /// [`Buffers::writable`](super::Buffers::writable). `physical` is the data that was passed to
    /// [`Exchange::prepare`].
    #[inline]
    pub fn writable<I: Iterator<Item = Segment>>(
        &self,
        physical: I,
    ) -> impl Iterator<Item = Segment> + use<'_, I, H, S, N, P> {
        let status = iter::once(self.slot.status_segment());
        let (first, last) = if P::STATUS_FIRST {
            (Some(status), None)
        } else {
            (None, Some(status))
        };
        let data = self.data(Direction::FromDevice, physical);
        let head = Iterator::chain(first.into_iter().flatten(), data);
        Iterator::chain(head, last.into_iter().flatten())
    }

    /// Calls `each` for the segments of [`Exchange::readable`]; `physical` returns their argument.
    #[inline(always)]
    pub fn for_each_readable<I: Iterator<Item = Segment>>(
        &self,
        physical: impl FnOnce() -> I,
        mut each: impl FnMut(Segment),
    ) {
        each(self.slot.header_segment());
        if self.slot.direction() == Some(Direction::ToDevice) {
            self.for_each_data(physical, &mut each);
        }
    }

    /// Calls `each` for the segments of [`Exchange::writable`]; `physical` returns their argument.
    #[inline(always)]
    pub fn for_each_writable<I: Iterator<Item = Segment>>(
        &self,
        physical: impl FnOnce() -> I,
        mut each: impl FnMut(Segment),
    ) {
        if P::STATUS_FIRST {
            each(self.slot.status_segment());
        }
        if self.slot.direction() == Some(Direction::FromDevice) {
            self.for_each_data(physical, &mut each);
        }
        if !P::STATUS_FIRST {
            each(self.slot.status_segment());
        }
    }

    #[inline(always)]
    fn for_each_data<I: Iterator<Item = Segment>>(
        &self,
        physical: impl FnOnce() -> I,
        each: &mut impl FnMut(Segment),
    ) {
        match &self.mapped {
            None => physical().for_each(each),
            Some(mapped) => mapped.iter().copied().for_each(each),
        }
    }

    /// Returns the table, for [`Buffers::table`](super::Buffers::table).
    #[inline]
    pub fn table(&self) -> Option<FilledTable> {
        self.slot.table()
    }

    /// Returns the data with addresses for the device, if its direction is `direction`.
    #[inline]
    fn data<I>(&self, direction: Direction, physical: I) -> Data<'_, I> {
        if self.slot.direction() != Some(direction) {
            return Data::None;
        }
        match &self.mapped {
            None => Data::Physical(physical),
            Some(mapped) => Data::Mapped(mapped.iter()),
        }
    }
}

impl<H, S, N, P> Exchange<'_, H, S, N, P> {
    /// Unmaps the data, and releases the large table, if the request has one.
    #[inline]
    pub fn release(&mut self) {
        if self.needs_release() {
            self.unmap();
            self.slot.release();
        }
    }

    /// Returns whether [`Exchange::release`] has to be called.
    #[inline]
    pub fn needs_release(&self) -> bool {
        self.mapped.is_some() || self.slot.has_large_table()
    }

    /// Makes `data` accessible to the device. On failure, a part of it may be mapped.
    fn map(&mut self, data: impl Iterator<Item = Segment>) -> Result {
        let dma = self.slot.dma();
        let (Some(mapped), Some(direction)) = (&mut self.mapped, self.slot.direction()) else {
            return Ok(());
        };
        for Segment { addr, len } in data {
            if mapped.len() == mapped.capacity() {
                return Err(EINVAL);
            }
            let addr = dma.map(addr, len as usize, direction)?;
            // This does not fail: there is room.
            let _ = mapped.push_within_capacity(Segment { addr, len });
        }
        Ok(())
    }

    /// Unmaps all data.
    fn unmap(&mut self) {
        let dma = self.slot.dma();
        let (Some(mapped), Some(direction)) = (&mut self.mapped, self.slot.direction()) else {
            return;
        };
        while let Some(Segment { addr, len }) = mapped.pop() {
            // SAFETY: The segment was mapped in `direction` (type invariant), and was removed from
            // `mapped`. The device does not access it: segments of an exchange are only added to a
            // queue by a `Buffers`, which must guarantee that the exchange is not changed or
            // dropped while the device has them.
            unsafe { dma.unmap(addr, len as usize, direction) };
        }
    }
}

impl<H, S, N, P> Drop for Exchange<'_, H, S, N, P> {
    fn drop(&mut self) {
        self.release();
    }
}

/// An iterator over data with addresses for the device.
enum Data<'a, I> {
    None,
    Physical(I),
    Mapped(slice::Iter<'a, Segment>),
}

impl<I: Iterator<Item = Segment>> Iterator for Data<'_, I> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match self {
            Self::None => None,
            Self::Physical(segments) => segments.next(),
            Self::Mapped(segments) => segments.next().copied(),
        }
    }

    /// Checks only once where the data comes from.
    #[inline]
    fn fold<B, F: FnMut(B, Segment) -> B>(self, init: B, f: F) -> B {
        match self {
            Self::None => init,
            Self::Physical(segments) => segments.fold(init, f),
            Self::Mapped(segments) => segments.copied().fold(init, f),
        }
    }
}
