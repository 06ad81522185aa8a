// SPDX-License-Identifier: GPL-2.0

//! Requests as buffers of virtqueues.
//!
//! A driver whose [`Operations::Command`] is a [`RingCommand`] can put its [`Request`]s into a
//! [`Virtqueue`](rvirtio::Virtqueue): the device reads a header, then reads or writes the data,
//! then writes a status. Header, status and descriptor table are the tag's for good; without
//! ACCESS_PLATFORM the data's physical addresses are read straight from the bios.

use crate::{
    gendisk::GenDisk,
    operations::{
        Command,
        Operations, //
    },
    request::{
        Direction,
        Request, //
    },
    segments::{
        PhysSegment,
        Segments, //
    }, //
};
use core::{
    iter,
    marker::PhantomPinned,
    pin::Pin,
    slice, //
};
use kernel::{
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};
use rvirtio::{
    dma,
    virtqueue::{
        slab::{
            Slab,
            Slot, //
        },
        FilledTable, //
    },
    Buffers,
    Dma,
    Ready,
    Segment, //
};

/// What a request needs to go through a virtqueue: header `H` and status `S`.
///
/// # Invariants
///
/// - `mapped`, if there is any, was mapped in `direction` and is the data of the request that
///   the tag belongs to, all of it or none. `None` if the device uses physical addresses.
/// - Pinned, so that safe code can not exchange the commands of two requests.
pub struct RingCommand<'a, H, S> {
    slot: Slot<'a, H, S>,
    dma: Dma<'a>,
    mapped: Option<KVec<Segment>>,
    direction: dma::Direction,
    _pin: PhantomPinned,
}

impl<'a, H: AsBytes, S: FromBytes + AsBytes> RingCommand<'a, H, S> {
    /// Creates the command of one tag, for data of up to `max_segments` segments.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, also when `slab` has no slot left.
    pub fn new(slab: &'a Slab<'_, H, S>, dma: Dma<'a>, max_segments: u16) -> Result<Self> {
        let mapped = if dma.is_physical() {
            None
        } else {
            Some(KVec::with_capacity(usize::from(max_segments), GFP_KERNEL)?)
        };
        // INVARIANT: Nothing is mapped.
        Ok(Self {
            slot: slab.take().ok_or(ENOMEM)?,
            dma,
            mapped,
            direction: dma::Direction::ToDevice,
            _pin: PhantomPinned,
        })
    }
}

impl From<PhysSegment> for Segment {
    /// For devices that use physical addresses.
    #[inline]
    fn from(PhysSegment { addr, len }: PhysSegment) -> Self {
        Self { addr, len }
    }
}

impl<H: AsBytes, S: FromBytes + AsBytes> RingCommand<'_, H, S> {
    /// Makes `segments` accessible to the device and fills the table with them. Out of line, as
    /// mapping costs far more than a call.
    #[inline(never)]
    fn map_and_fill(&mut self, segments: Segments<'_>) -> Result {
        self.map(segments)?;
        let mapped = self.mapped.as_deref().unwrap_or_default();
        self.slot
            .fill(self.direction, || mapped.iter().copied())
            .map_err(|_| {
                // INVARIANT: None of it, as the request does not start.
                self.unmap();
                EINVAL
            })
    }
}

impl<H, S> RingCommand<'_, H, S> {
    /// Makes `segments` accessible to the device, or none of them.
    fn map(&mut self, segments: Segments<'_>) -> Result {
        for segment in segments {
            if let Err(error) = self.map_one(segment) {
                // INVARIANT: None it is, then.
                self.unmap();
                return Err(error);
            }
        }
        Ok(())
    }

    fn map_one(&mut self, segment: PhysSegment) -> Result {
        let Some(mapped) = &mut self.mapped else {
            return Ok(());
        };
        let PhysSegment { addr, len } = segment;
        if mapped.len() == mapped.capacity() {
            return Err(EINVAL);
        }
        let addr = self.dma.map(addr, len as usize, self.direction)?;
        // There is room for it.
        let _ = mapped.push_within_capacity(Segment { addr, len });
        Ok(())
    }

    /// Ends all mappings.
    fn unmap(&mut self) {
        let Some(mapped) = &mut self.mapped else {
            return;
        };
        while let Some(segment) = mapped.pop() {
            // SAFETY: By the type invariant it was mapped so. The device is done with the
            // request: it is not in a queue, as it belongs to our caller.
            unsafe {
                self.dma
                    .unmap(segment.addr, segment.len as usize, self.direction)
            };
        }
    }
}

impl<H, S> Command for RingCommand<'_, H, S> {
    #[inline]
    fn release(self: Pin<&mut Self>) {
        if self.mapped.is_some() || self.slot.has_large_table() {
            // SAFETY: Nothing is moved out of it.
            let this = unsafe { self.get_unchecked_mut() };
            this.unmap();
            this.slot.release();
        }
    }
}

/// What [`Request`] and [`RingCommand`] have to say to each other.
///
/// A trait, as the parameters of `RingCommand` would otherwise be parameters of the
/// implementations for `Request`, which can not name the lifetime.
///
/// # Safety
///
/// As for [`Buffers`], for the memory that the methods return.
pub unsafe trait RingData: Command {
    /// What the device reads first.
    type Header: AsBytes;

    /// What the device writes last.
    type Status: FromBytes + AsBytes;

    /// Sets header and status, and makes the data accessible to the device: `segments` returns it,
    /// the same each time.
    #[doc(hidden)]
    fn prepare<'a>(
        self: Pin<&mut Self>,
        header: Self::Header,
        status: Self::Status,
        segments: impl Fn() -> Segments<'a>,
        direction: Direction,
    ) -> Result;

    /// Reads the status.
    #[doc(hidden)]
    fn status(&self) -> Self::Status;

    /// Where header and status are.
    #[doc(hidden)]
    fn memory(&self) -> (Segment, Segment);

    /// The table of header, data and status.
    #[doc(hidden)]
    fn table(&self) -> Option<FilledTable>;

    /// The data as the device sees it, unless that is where it is in physical memory.
    #[doc(hidden)]
    fn mapped(&self) -> Option<&[Segment]>;
}

// SAFETY: Header, status and table are memory of the slot, which is coherent, and no one else's
// for as long as the command exists. By the type invariant the mapped segments are the data of
// the request.
unsafe impl<H: AsBytes, S: FromBytes + AsBytes> RingData for RingCommand<'_, H, S> {
    type Header = H;
    type Status = S;

    #[inline]
    fn prepare<'b>(
        self: Pin<&mut Self>,
        header: H,
        status: S,
        segments: impl Fn() -> Segments<'b>,
        direction: Direction,
    ) -> Result {
        // SAFETY: Nothing is moved out of it.
        let this = unsafe { self.get_unchecked_mut() };
        this.slot.write_header(header);
        this.slot.set_status(status);
        this.direction = match direction {
            Direction::ToDevice => dma::Direction::ToDevice,
            Direction::FromDevice => dma::Direction::FromDevice,
        };
        if this.mapped.is_some() {
            return this.map_and_fill(segments());
        }
        let direction = this.direction;
        this.slot
            .fill(direction, || segments().map(Segment::from))
            .map_err(|_| EINVAL)
    }

    #[inline]
    fn status(&self) -> S {
        self.slot.status()
    }

    #[inline]
    fn memory(&self) -> (Segment, Segment) {
        (self.slot.header_segment(), self.slot.status_segment())
    }

    #[inline]
    fn table(&self) -> Option<FilledTable> {
        self.slot.table()
    }

    #[inline]
    fn mapped(&self) -> Option<&[Segment]> {
        self.mapped.as_deref()
    }
}

impl<T: Operations<Command: RingData>> Request<T> {
    /// Gets the request ready for a virtqueue. `status` is what [`Request::device_status`]
    /// returns if the device does not write one.
    ///
    /// # Errors
    ///
    /// `ENOMEM` when the data can not be mapped now; others when it never can.
    #[inline]
    pub fn prepare(
        &mut self,
        header: <T::Command as RingData>::Header,
        status: <T::Command as RingData>::Status,
    ) -> Result {
        let direction = self.direction();
        // The command belongs to the request, but neither to its data nor to the C structure, so
        // that it can be changed while these are looked at.
        let rq = self.as_raw();
        let segments = || match direction {
            // SAFETY: We own the request, which is valid, and its data does not change.
            Some(_) => unsafe { Segments::new(&*rq) },
            None => Segments::empty(),
        };
        let direction = direction.unwrap_or(Direction::ToDevice);
        self.command().prepare(header, status, segments, direction)
    }

    /// What the device, or [`Request::prepare`], wrote as status.
    #[inline]
    pub fn device_status(&self) -> <T::Command as RingData>::Status {
        self.command_ref().status()
    }

    /// The data as the device sees it, if it goes in `direction`.
    #[inline]
    fn data(&self, direction: Direction) -> Data<'_> {
        if self.direction() != Some(direction) {
            return Data::Physical(Segments::empty());
        }
        match self.command_ref().mapped() {
            None => Data::Physical(self.segments()),
            Some(mapped) => Data::Mapped(mapped.iter()),
        }
    }
}

/// Iterates over data as the device sees it.
enum Data<'a> {
    Physical(Segments<'a>),
    Mapped(slice::Iter<'a, Segment>),
}

impl Iterator for Data<'_> {
    type Item = Segment;

    #[inline]
    fn next(&mut self) -> Option<Segment> {
        match self {
            Self::Physical(segments) => segments.next().map(Segment::from),
            Self::Mapped(segments) => segments.next().copied(),
        }
    }
}

// SAFETY:
// - Header, status and table belong to the command, which belongs to the request. So does the
//   data until the request is ended, for which the value has to be taken apart; it is mapped
//   until then too.
// - The block layer leaves the data alone while the driver owns the request, and Rust code has
//   no references to it. Page cache and user pages can be written by others while the device
//   reads them, which is part of the interface.
// - All of this is found through a pointer, so that moving the value changes nothing.
unsafe impl<T: Operations<Command: RingData>> Buffers for Request<T> {
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        let (header, _) = self.command_ref().memory();
        Iterator::chain(iter::once(header), self.data(Direction::ToDevice))
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        let (_, status) = self.command_ref().memory();
        Iterator::chain(self.data(Direction::FromDevice), iter::once(status))
    }

    #[inline]
    fn table(&self) -> Option<FilledTable> {
        self.command_ref().table()
    }
}

impl<T: Operations> GenDisk<'_, T> {
    /// Makes the disk visible until the device is unbound, below the virtio device in sysfs. The
    /// device has to be ready, as partitions are read before this returns.
    ///
    /// # Errors
    ///
    /// `EEXIST` when there is a disk of this name, `EBUSY` when it was added before, `ENOMEM`.
    #[doc(alias = "device_add_disk")]
    pub fn add<'bound>(self: Pin<&'bound Self>, ready: &Ready<'bound>) -> Result {
        // Even if the disk itself is forgotten, it is not there for longer than what it borrows.
        ready.manage(Added { disk: self })?;
        self.add_below(ready.device().as_ref())
    }
}

/// Removes a disk when the device is unbound.
struct Added<'bound, 'a, T: Operations> {
    disk: Pin<&'bound GenDisk<'a, T>>,
}

impl<T: Operations> Drop for Added<'_, '_, T> {
    fn drop(&mut self) {
        self.disk.remove();
    }
}
