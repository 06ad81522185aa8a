// SPDX-License-Identifier: GPL-2.0

//! A request that the driver owns.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    hw_queue::{
        tag_of,
        HwContext,
        Tag, //
    },
    op::Op,
    segments::Segments,
    status::BlkStatus, //
};
use core::{
    mem,
    ptr::NonNull, //
};
use kernel::bindings;
use rvirtio::dma::Direction;

/// The driver's memory for a request in flight.
///
/// It belongs to a driver tag, and is used for one request after the other. Drivers reach it
/// through what this crate offers for requests only.
pub trait Command: Send {
    /// Gives up all that belongs to the request and not to the tag, such as mappings of its
    /// data. Called before a request goes back to the block layer, whichever way it does.
    fn release(&mut self);

    /// Returns whether [`Command::release`] has something to do. If not, it need not be called.
    fn needs_release(&self) -> bool;
}

/// A value that owns a request, whatever is known about the request beyond that.
///
/// For the lists and batches of this crate only.
pub trait Owned: Sized {
    /// Gives up ownership without ending the request, for whoever does that with the pointer.
    #[doc(hidden)]
    fn into_raw(self) -> *mut bindings::request;

    /// Takes back what [`Owned::into_raw`] gave up.
    ///
    /// # Safety
    ///
    /// `rq` must have come from a value of this type, with nothing done to it since, and its
    /// ownership pass to the new value.
    #[doc(hidden)]
    unsafe fn from_raw(rq: *mut bindings::request) -> Self;
}

/// A request that was not started, and why.
pub struct Refused<C: Command> {
    /// The request.
    pub rq: Request<C>,
    /// Why.
    pub status: BlkStatus,
}

/// A request that was started and that the driver owns.
///
/// There is no second value for the same request, and it can not be copied. Dropping it ends the
/// request with an I/O error.
///
/// # Invariants
///
/// - `rq` is a started request of a tag set whose commands are `C`s, with a driver tag.
/// - `tag` is the memory of that driver tag.
/// - This value owns the request and its tag: nobody else accesses or ends them. (The block
///   layer's time-out handler only rearms its timer, as there is no callback.)
#[doc(alias = "struct request")]
pub struct Request<C: Command> {
    rq: NonNull<bindings::request>,
    /// Could be found through `rq`, but that takes four loads each time.
    tag: NonNull<Tag<C>>,
}

// SAFETY: A request can be handled and ended by any thread, and what it owns is `Send`.
unsafe impl<C: Command> Send for Request<C> {}

impl<C: Command> Owned for Request<C> {
    #[inline]
    fn into_raw(self) -> *mut bindings::request {
        let rq = self.as_raw();
        mem::forget(self);
        rq
    }

    #[inline]
    unsafe fn from_raw(rq: *mut bindings::request) -> Self {
        // INVARIANT: The invariants hold for `rq`, as it came from such a value. Then the tag is
        // where the data of its hardware queue says.
        Self {
            // SAFETY: It is a valid request, which is not null.
            rq: unsafe { NonNull::new_unchecked(rq) },
            // SAFETY: The hardware queue is in use while it has requests, its commands are `C`s,
            // and the request has a driver tag, which is not negative.
            tag: unsafe { tag_of((*(*rq).mq_hctx).driver_data, (*rq).tag as usize) },
        }
    }
}

impl<C: Command> Request<C> {
    /// Takes over a request from the block layer and starts it.
    ///
    /// # Safety
    ///
    /// `rq` must be a request of `hctx` that has a driver tag, is not started, and that the block
    /// layer hands to the driver. The commands of its tag set must be `C`s.
    #[inline]
    pub(crate) unsafe fn start<Q>(rq: *mut bindings::request, hctx: HwContext<'_, Q>) -> Self {
        // INVARIANT: By the safety requirement, and it is started.
        // SAFETY: As for the invariants; a valid request is not null, and a driver tag is not
        // negative.
        unsafe {
            bindings::blk_mq_start_request(rq);
            Self {
                rq: NonNull::new_unchecked(rq),
                tag: hctx.data().tag((*rq).tag as usize),
            }
        }
    }

    /// Returns the raw pointer.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::request {
        self.rq.as_ptr()
    }

    /// Gives the request up to the block layer that takes it back as not started.
    pub(crate) fn forget(mut self) {
        self.command_mut().release();
        mem::forget(self);
    }

    #[inline]
    fn rq(&self) -> &bindings::request {
        // SAFETY: The request is valid (type invariant). The fields that this module reads do not
        // change while the driver owns it.
        unsafe { self.rq.as_ref() }
    }

    /// Returns what to do.
    #[inline]
    pub fn op(&self) -> Op {
        Op::from_flags(self.rq().cmd_flags)
    }

    /// Returns where the data goes, `None` when there is none.
    #[inline]
    pub fn direction(&self) -> Option<Direction> {
        self.op().direction()
    }

    /// Returns the first sector, in units of 512 bytes. Meaningless unless reading or writing.
    #[doc(alias = "blk_rq_pos")]
    #[inline]
    pub fn sector(&self) -> u64 {
        self.rq().__sector
    }

    /// Returns the length of the data in bytes.
    #[doc(alias = "blk_rq_bytes")]
    #[inline]
    pub fn data_len(&self) -> u32 {
        match self.direction() {
            Some(_) => self.rq().__data_len,
            None => 0,
        }
    }

    /// Returns the data in physical memory, in order: none for operations without data, and never more
    /// than [`Limits::max_segments`](crate::Limits::max_segments) of them.
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        match self.direction() {
            // SAFETY: The request is valid and its data neither changes nor goes away while the
            // driver owns it, which it does for the lifetime of the borrow. It is one whose
            // bios describe memory.
            Some(_) => unsafe { Segments::new(self.rq()) },
            None => Segments::empty(),
        }
    }

    #[inline]
    fn tag(&mut self) -> &mut Tag<C> {
        // SAFETY: The tag is valid and ours alone (type invariant).
        unsafe { self.tag.as_mut() }
    }

    /// Returns the driver's memory for this request. What an earlier request left in it is still
    /// there.
    #[inline]
    pub(crate) fn command_mut(&mut self) -> &mut C {
        &mut self.tag().command
    }

    /// Returns the driver's memory for this request, to read.
    #[inline]
    pub(crate) fn command(&self) -> &C {
        // SAFETY: The tag is valid and ours alone (type invariant).
        unsafe { &self.tag.as_ref().command }
    }

    /// Sets how [`Request::end_completed`] is to end the request.
    #[inline]
    pub(crate) fn set_status(&mut self, status: BlkStatus) {
        self.tag().status = status;
    }

    /// Ends the request with `status` on the CPU that submitted it, or one near.
    #[doc(alias = "blk_mq_complete_request")]
    pub fn complete(mut self, status: BlkStatus) {
        self.set_status(status);
        // SAFETY: The request is started, and ours to complete.
        unsafe { bindings::blk_mq_complete_request(self.into_raw()) }
    }

    /// Ends the request as [`Request::complete`] said.
    #[inline]
    pub(crate) fn end_completed(mut self) {
        let status = self.tag().status;
        self.end(status)
    }

    /// Ends the request here and now.
    #[doc(alias = "blk_mq_end_request")]
    #[inline]
    pub fn end(mut self, status: BlkStatus) {
        self.command_mut().release();
        // SAFETY: The request is started, and ours to end.
        unsafe { bindings::blk_mq_end_request(self.into_raw(), status.into_raw()) }
    }

    /// Gives the request back to the block layer, to be queued again.
    #[doc(alias = "blk_mq_requeue_request")]
    #[cold]
    pub fn requeue(mut self) {
        self.command_mut().release();
        // SAFETY: The request is started, and ours.
        unsafe { bindings::blk_mq_requeue_request(self.into_raw(), true) }
    }

    /// Makes the block layer pass requests of this request's hardware queue again, after
    /// [`HwContext::stop`](crate::HwContext::stop).
    #[doc(alias = "blk_mq_start_stopped_hw_queue")]
    #[cold]
    pub fn restart_hw_queue(&self) {
        // SAFETY: The queue is in use while it has requests. Asynchronous, so that this can be
        // called with the driver's lock held.
        unsafe { bindings::blk_mq_start_stopped_hw_queue(self.rq().mq_hctx, true) }
    }
}

impl<C: Command> Drop for Request<C> {
    #[cold]
    fn drop(&mut self) {
        self.command_mut().release();
        // SAFETY: The request is started, and ours to end; nobody uses `self` after this.
        unsafe { bindings::blk_mq_end_request(self.as_raw(), BlkStatus::IoError.into_raw()) }
    }
}

impl<C: Command> Refused<C> {
    /// Returns the request to the block layer, which passed it to us as `rq`.
    #[cold]
    pub(crate) fn give_back(self, rq: *mut bindings::request) -> bindings::blk_status_t {
        if self.rq.as_raw() == rq {
            self.rq.forget();
            self.status.into_raw()
        } else {
            // A driver that mixes up its requests. This one goes back by the other way, and the
            // one that we were called for is still the driver's.
            self.rq.requeue();
            BlkStatus::Ok.into_raw()
        }
    }
}
