// SPDX-License-Identifier: GPL-2.0

//! Requests as buffers of virtqueues.
//!
//! A driver whose [`Operations::Command`](crate::Operations::Command) is an [`Exchange`] can
//! prepare its [`Request`]s and put them into a [`Virtqueue`](rvirtio::Virtqueue). Without
//! ACCESS_PLATFORM, the physical addresses of the data are directly read from the bios.

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
    /// Converts a segment for devices that use physical addresses.
    #[inline]
    fn from(PhysSegment { addr, len }: PhysSegment) -> Self {
        Self { addr, len }
    }
}

/// A request that is ready for a virtqueue.
///
/// Dereferences to [`Request`], but only for reading, because the device may have it. It is
/// converted to a [`Request`] to end, complete or requeue it.
///
/// # Invariants
///
/// The exchange was prepared with the data of this request, and not changed since.
#[repr(transparent)]
pub struct Prepared<C: Command>(Request<C>);

/// A request that was prepared, or could not be prepared.
pub type PrepareResult<C> = Result<Prepared<C>, Refused<C>>;

impl<'bound, H, S, N> Request<Exchange<'bound, H, S, N>>
where
    H: AsBytes,
    S: FromBytes + AsBytes,
    N: Send,
{
    /// Gets the request ready for a virtqueue.
    ///
    /// `status` is what [`Request::device_status`] returns if the device does not write one, and
    /// `note` what [`Request::note`] returns. A request that names ranges of sectors has no data
    /// unless [`Request::set_payload`] was called.
    ///
    /// # Errors
    ///
    /// [`BlkStatus::Resource`] when the data cannot be mapped now, [`BlkStatus::IoError`] when it
    /// never can.
    // Always inlined, as its result would go through memory.
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
        // The exchange belongs to the request, but neither to its data nor to the C structure, so
        // that it can be changed while these are looked at.
        let rq = self.as_raw();
        let Some(direction) = self.op().direction() else {
            return self.fill_without_bios(header, status, note);
        };
        // SAFETY: We own the request, so it is valid and its bios do not change (type invariant).
        // Its operation has data, so its bios describe memory.
        let segments = || unsafe { Segments::new(&*rq) }.map(Segment::from);
        self.command_mut()
            .prepare(header, status, note, Some(direction), segments)
    }

    /// Fills the exchange of a request that has no data in bios, but may have a payload.
    #[cold]
    fn fill_without_bios(&mut self, header: H, status: S, note: N) -> Result {
        let rq = self.as_raw();
        // SAFETY: We own the request, so its payload does not change (type invariant).
        let segments = || unsafe { Segments::of_payload(&*rq) }.map(Segment::from);
        let direction = self.direction();
        self.command_mut()
            .prepare(header, status, note, direction, segments)
    }

    /// Returns the status that the device, or else [`Request::prepare`], has written.
    #[inline]
    pub fn device_status(&self) -> S {
        self.command().status()
    }

    /// Returns the note that was passed to [`Request::prepare`].
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
    /// Converts the request back. The caller owns it, so the device does not have it.
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
        // INVARIANT: `rq` came from such a value, and was not changed since (safety requirement).
        // SAFETY: `rq` came from `Request::into_raw` in `into_raw` above, and its ownership is
        // transferred (safety requirement).
        Self(unsafe { Request::from_raw(rq) })
    }
}

// SAFETY:
// - Header, status and table belong to the exchange of the request, and the table describes its
//   data (type invariant). The exchange can only be changed or dropped after this value was
//   converted to a `Request`: a shared reference to a request only allows reading.
// - The block layer does not access the data while the driver owns the request, and Rust code has
//   no references to it. Others can write page cache and user pages while the device reads them,
//   which is part of the interface. Mappings exist until the exchange is released.
// - All of this is accessed through a pointer, so moving the value does not change it.
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
    fn for_each_readable(&self, each: impl FnMut(Segment)) {
        let data = || self.0.segments().map(Segment::from);
        self.0.command().for_each_readable(data, each);
    }

    #[inline]
    fn for_each_writable(&self, each: impl FnMut(Segment)) {
        let data = || self.0.segments().map(Segment::from);
        self.0.command().for_each_writable(data, each);
    }

    #[inline]
    fn table(&self) -> Option<FilledTable> {
        self.0.command().table()
    }

    /// Returns the request, which has to end even if the device still accesses its data; the data
    /// does not belong to the driver. The memory of the exchange is not freed, and only contains
    /// data that is shared with the device.
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
