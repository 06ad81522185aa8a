// SPDX-License-Identifier: GPL-2.0

//! Requests that consist of a header, data and a status.
//!
//! The device reads a header, then reads or writes the data, then writes a status: disks and SCSI
//! hosts work this way. An [`Exchange`] is what such a request has of its own while it is in
//! flight. It is made once for each request that can be in flight, and used again and again.

pub use super::slab::EXTRA_DESCRIPTORS;

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

/// What a request has while it is in flight: a header `H`, a status `S`, a descriptor table, and
/// mappings of its data.
///
/// `N` is what the driver notes about the request, in memory that the device does not have.
///
/// It knows neither whom the data belongs to nor whether the device has been told: a type that
/// implements [`Buffers`](super::Buffers) with the segments and the table of an exchange promises
/// that nobody can change or drop the exchange while the device has them.
///
/// # Invariants
///
/// `mapped`, if there is any, was mapped in `direction`, and is all of the data or none of it.
/// `None` if the device uses physical addresses.
pub struct Exchange<'bound, H, S, N = ()> {
    slot: Slot<'bound, H, S>,
    dma: Dma<'bound>,
    mapped: Option<KVec<Segment>>,
    /// Where the data goes, `None` if there is none.
    direction: Option<Direction>,
    note: N,
}

impl<'bound, H: AsBytes, S: FromBytes + AsBytes, N> Exchange<'bound, H, S, N> {
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
                Some(KVec::with_capacity(usize::from(max_segments), GFP_KERNEL)?)
            };
            // INVARIANT: Nothing is mapped.
            let exchange = Self {
                slot,
                dma,
                mapped,
                direction: None,
                note: N::default(),
            };
            exchanges.push(exchange, GFP_KERNEL)?;
        }
        Ok(exchanges)
    }

    /// Sets header, status and note, makes the data accessible to the device, and fills the table.
    ///
    /// `data` returns the data in physical memory, the same each time that it is called.
    /// `direction` is where it goes, `None` if there is none. `status` is what
    /// [`Exchange::status`] returns if the device does not write one.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] when the data cannot be mapped now, [`EINVAL`] when it never can.
    #[inline]
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
        self.direction = direction;
        self.slot.fill(direction, data).map_err(|_| EINVAL)
    }

    /// Out of line, as mapping costs far more than a call.
    #[inline(never)]
    fn map_and_fill(
        &mut self,
        direction: Option<Direction>,
        data: impl Iterator<Item = Segment>,
    ) -> Result {
        self.unmap();
        // INVARIANT: Nothing is mapped in the other direction.
        self.direction = direction;
        let filled = self.map(data).and_then(|()| {
            let mapped = self.mapped.as_deref().unwrap_or_default();
            let segments = || mapped.iter().copied();
            self.slot.fill(direction, segments).map_err(|_| EINVAL)
        });
        // INVARIANT: On failure none of the data is mapped.
        filled.inspect_err(|_| self.unmap())
    }

    /// Returns what the device, or [`Exchange::prepare`], wrote as status.
    #[inline]
    pub fn status(&self) -> S {
        self.slot.status()
    }

    /// Returns what the driver noted at [`Exchange::prepare`].
    #[inline]
    pub fn note(&self) -> &N {
        &self.note
    }

    /// Returns what the device reads, for [`Buffers::readable`](super::Buffers::readable).
    /// `physical` is the data in physical memory, as [`Exchange::prepare`] got it.
    #[inline]
    pub fn readable<I: Iterator<Item = Segment>>(
        &self,
        physical: I,
    ) -> impl Iterator<Item = Segment> + use<'_, I, H, S, N> {
        let header = iter::once(self.slot.header_segment());
        Iterator::chain(header, self.data(Direction::ToDevice, physical))
    }

    /// Returns what the device writes, for [`Buffers::writable`](super::Buffers::writable).
    /// `physical` is the data in physical memory, as [`Exchange::prepare`] got it.
    #[inline]
    pub fn writable<I: Iterator<Item = Segment>>(
        &self,
        physical: I,
    ) -> impl Iterator<Item = Segment> + use<'_, I, H, S, N> {
        let status = iter::once(self.slot.status_segment());
        Iterator::chain(self.data(Direction::FromDevice, physical), status)
    }

    /// Returns the table, for [`Buffers::table`](super::Buffers::table).
    #[inline]
    pub fn table(&self) -> Option<FilledTable> {
        self.slot.table()
    }

    /// Returns the data as the device sees it, if it goes in `direction`.
    #[inline]
    fn data<I>(&self, direction: Direction, physical: I) -> Data<'_, I> {
        if self.direction != Some(direction) {
            return Data::None;
        }
        match &self.mapped {
            None => Data::Physical(physical),
            Some(mapped) => Data::Mapped(mapped.iter()),
        }
    }
}

impl<H, S, N> Exchange<'_, H, S, N> {
    /// Ends the mappings of the data, and gives back what this request had beyond what every
    /// exchange has.
    #[inline]
    pub fn release(&mut self) {
        if self.needs_release() {
            self.unmap();
            self.slot.release();
        }
    }

    /// Returns whether [`Exchange::release`] has something to do.
    #[inline]
    pub fn needs_release(&self) -> bool {
        self.mapped.is_some() || self.slot.has_large_table()
    }

    /// Makes `data` accessible to the device, or a part of it when that fails.
    fn map(&mut self, data: impl Iterator<Item = Segment>) -> Result {
        let (Some(mapped), Some(direction)) = (&mut self.mapped, self.direction) else {
            return Ok(());
        };
        for Segment { addr, len } in data {
            if mapped.len() == mapped.capacity() {
                return Err(EINVAL);
            }
            let addr = self.dma.map(addr, len as usize, direction)?;
            // There is room for it.
            let _ = mapped.push_within_capacity(Segment { addr, len });
        }
        Ok(())
    }

    /// Ends all mappings.
    fn unmap(&mut self) {
        let (Some(mapped), Some(direction)) = (&mut self.mapped, self.direction) else {
            return;
        };
        while let Some(Segment { addr, len }) = mapped.pop() {
            // SAFETY: It was mapped so (type invariant), and is forgotten now. The device is done
            // with it or was never told: who tells it is a `Buffers`, whose safety requirements
            // keep the exchange from being changed or dropped until then.
            unsafe { self.dma.unmap(addr, len as usize, direction) };
        }
    }
}

impl<H, S, N> Drop for Exchange<'_, H, S, N> {
    fn drop(&mut self) {
        self.release();
    }
}

/// Iterates over data as the device sees it.
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
}
