// SPDX-License-Identifier: GPL-2.0

//! Requests as buffers of virtqueues.
//!
//! A driver whose [`Operations::Command`](crate::Operations::Command) is an [`Exchange`] can
//! prepare its [`Request`]s and put them into a [`Virtqueue`](rvirtio::Virtqueue). Without
//! ACCESS_PLATFORM the physical addresses of the data are read straight from the bios.

use crate::{
    batch::CompletionBatch,
    request::{
        Command,
        Owned,
        Refused,
        Request, //
    },
    segments::{
        PhysSegment,
        Segments, //
    },
    status::BlkStatus, //
};
use core::ops::Deref;
use kernel::{
    bindings,
    prelude::*,
    transmute::{
        AsBytes,
        FromBytes, //
    }, //
};
use rvirtio::{
    virtqueue::{
        exchange::Exchange,
        Deferred,
        FilledTable, //
    },
    Buffers,
    Segment, //
};

impl<H, S, N: Send> Command for Exchange<'_, H, S, N> {
    #[inline]
    fn release(&mut self) {
        Exchange::release(self)
    }

    #[inline]
    fn needs_release(&self) -> bool {
        Exchange::needs_release(self)
    }
}

impl From<PhysSegment> for Segment {
    /// For devices that use physical addresses.
    #[inline]
    fn from(PhysSegment { addr, len }: PhysSegment) -> Self {
        Self { addr, len }
    }
}

/// A request that is ready for a virtqueue.
///
/// Dereferences to [`Request`], but gives no access by which it could change: the device may have
/// it. Becomes a [`Request`] again to be ended, completed or requeued.
///
/// # Invariants
///
/// The exchange was prepared with the data of this very request, and not changed since.
#[repr(transparent)]
pub struct Prepared<C: Command>(Request<C>);

/// A request that was prepared, or could not be.
pub type PrepareResult<C> = Result<Prepared<C>, Refused<C>>;

impl<'bound, H, S, N> Request<Exchange<'bound, H, S, N>>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
    N: Send,
{
    /// Gets the request ready for a virtqueue. `status` is what [`Request::device_status`]
    /// returns if the device does not write one, `note` what [`Request::note`] returns.
    ///
    /// # Errors
    ///
    /// [`BlkStatus::Resource`] when the data cannot be mapped now, [`BlkStatus::IoError`] when it
    /// never can.
    // Always inlined, and `fill_exchange` most likely not: its result fits into a register.
    #[inline(always)]
    pub fn prepare(
        mut self,
        header: H,
        status: S,
        note: N,
    ) -> PrepareResult<Exchange<'bound, H, S, N>> {
        match self.fill_exchange(header, status, note) {
            // INVARIANT: It was prepared just now.
            Ok(()) => Ok(Prepared(self)),
            Err(error) => Err(Refused {
                rq: self,
                status: if error == ENOMEM {
                    BlkStatus::Resource
                } else {
                    BlkStatus::IoError
                },
            }),
        }
    }

    #[inline(always)]
    fn fill_exchange(&mut self, header: H, status: S, note: N) -> Result {
        let direction = self.direction();
        // The exchange belongs to the request, but neither to its data nor to the C structure, so
        // that it can be changed while these are looked at.
        let rq = self.as_raw();
        let segments = || {
            let segments = match direction {
                // SAFETY: We own the request, which is valid, and its data does not change.
                Some(_) => unsafe { Segments::new(&*rq) },
                None => Segments::empty(),
            };
            segments.map(Segment::from)
        };
        self.command_mut()
            .prepare(header, status, note, direction, segments)
    }

    /// Returns what the device, or [`Request::prepare`], wrote as status.
    #[inline]
    pub fn device_status(&self) -> S {
        self.command().status()
    }

    /// Returns what was noted at [`Request::prepare`].
    #[inline]
    pub fn note(&self) -> &N {
        self.command().note()
    }
}

impl<C: Command> Deref for Prepared<C> {
    type Target = Request<C>;

    #[inline]
    fn deref(&self) -> &Request<C> {
        &self.0
    }
}

impl<C: Command> From<Prepared<C>> for Request<C> {
    /// Gives up that the request is prepared. Whoever can do that has it back from the device.
    #[inline]
    fn from(prepared: Prepared<C>) -> Self {
        prepared.0
    }
}

impl<C: Command> Owned for Prepared<C> {
    #[inline]
    fn into_raw(self) -> *mut bindings::request {
        self.0.into_raw()
    }

    #[inline]
    unsafe fn from_raw(rq: *mut bindings::request) -> Self {
        // INVARIANT: It came from such a value, and nothing was done to it since.
        // SAFETY: By the safety requirement, as that value consisted of the request.
        Self(unsafe { Request::from_raw(rq) })
    }
}

// SAFETY:
// - Header, status and table belong to the exchange, which belongs to the request, and are of its
//   data (type invariant). To change or drop the exchange, this value has to be taken apart: all
//   that can be done with a reference to a request is to read.
// - The block layer leaves the data alone while the driver owns the request, and Rust code has
//   no references to it. Page cache and user pages can be written by others while the device
//   reads them, which is part of the interface. What is mapped stays so until the exchange is
//   released.
// - All of this is found through a pointer, so that moving the value changes nothing.
unsafe impl<H, S, N> Buffers for Prepared<Exchange<'_, H, S, N>>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
    N: Send,
{
    #[inline]
    fn readable(&self) -> impl Iterator<Item = Segment> {
        self.0
            .command()
            .readable(self.0.segments().map(Segment::from))
    }

    #[inline]
    fn writable(&self) -> impl Iterator<Item = Segment> {
        self.0
            .command()
            .writable(self.0.segments().map(Segment::from))
    }

    #[inline]
    fn table(&self) -> Option<FilledTable> {
        self.0.command().table()
    }

    /// The request has to end, whatever the device does with its data, which is not the driver's.
    /// The exchange's memory is not freed, and holds nothing but what is shared with the device.
    fn abandon(self) -> Option<Self> {
        Some(self)
    }
}

impl<C: Command> Deferred for CompletionBatch<C> {
    #[inline]
    fn is_empty(&self) -> bool {
        CompletionBatch::is_empty(self)
    }

    #[inline]
    fn run(&mut self) {
        self.end();
    }
}
