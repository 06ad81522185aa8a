// SPDX-License-Identifier: GPL-2.0

//! A request that the driver owns.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    operations::{
        Command,
        Operations, //
    },
    segments::Segments,
    status::BlkStatus,
    tag_set::{
        HwData,
        Tag, //
    }, //
};
use core::{
    mem,
    pin::Pin,
    ptr::NonNull, //
};
use kernel::bindings;

/// What a request is to do.
#[doc(alias = "req_op")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Reads sectors.
    Read,
    /// Writes sectors.
    Write,
    /// Makes the completed writes stable.
    Flush,
    /// The driver's own, with data from the device; see
    /// [`Disk::execute_driver_in`](crate::Disk::execute_driver_in).
    DriverIn,
    /// Any other, with C's number. The limits that [`Limits`](crate::Limits) can express keep
    /// the block layer from sending these.
    Other(u32),
}

/// Where the data of a request goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The device reads it.
    ToDevice,
    /// The device writes it.
    FromDevice,
}

/// A request that was started and that the driver owns.
///
/// There is no second value for the same request, and it can not be copied. Dropping it ends the
/// request with an I/O error.
///
/// # Invariants
///
/// - `rq` is a started request of a disk of a `TagSet<T>`, with a driver tag.
/// - `tag` is the memory of that driver tag.
/// - This value owns the request and its tag: nobody else accesses or ends them. (The block
///   layer's time-out handler only rearms its timer, as there is no callback.)
#[doc(alias = "struct request")]
pub struct Request<T: Operations> {
    rq: NonNull<bindings::request>,
    /// Could be found through `rq`, but that takes four loads each time.
    tag: NonNull<Tag<T::Command>>,
}

// SAFETY: A request can be handled and ended by any thread, and what it owns is `Send`.
unsafe impl<T: Operations> Send for Request<T> where T::Command: Send {}

impl<T: Operations> Request<T> {
    /// Takes over a request from the block layer and starts it.
    ///
    /// # Safety
    ///
    /// `rq` must be a request of a disk of a `TagSet<T>` that has a driver tag, is not started,
    /// and that the block layer hands to the driver.
    #[inline]
    pub(crate) unsafe fn start(rq: *mut bindings::request) -> Self {
        // SAFETY: By the safety requirement.
        unsafe {
            bindings::blk_mq_start_request(rq);
            Self::from_raw(rq)
        }
    }

    /// # Safety
    ///
    /// The invariants must hold for `rq`, whose ownership passes to the new value.
    #[inline]
    pub(crate) unsafe fn from_raw(rq: *mut bindings::request) -> Self {
        // SAFETY: The request's hardware queue is in use while it has requests; `init_hctx` set
        // its driver data. A request that has a driver tag has one that is not negative.
        let tag = unsafe {
            let data = &*(*(*rq).mq_hctx).driver_data.cast::<HwData<T>>();
            data.tag((*rq).tag as usize)
        };
        // INVARIANT: By the safety requirement.
        Self {
            // SAFETY: A valid request is not null.
            rq: unsafe { NonNull::new_unchecked(rq) },
            tag,
        }
    }

    /// The raw pointer.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::request {
        self.rq.as_ptr()
    }

    /// Gives up ownership without ending the request, for whoever does that with the pointer.
    #[inline]
    pub(crate) fn into_raw(self) -> *mut bindings::request {
        let rq = self.as_raw();
        mem::forget(self);
        rq
    }

    /// Gives the request up to the block layer that takes it back as not started.
    pub(crate) fn forget(mut self) {
        self.command().release();
        mem::forget(self);
    }

    #[inline]
    fn rq(&self) -> &bindings::request {
        // SAFETY: By the type invariant the request is valid. The fields that this module reads
        // do not change while the driver owns it.
        unsafe { self.rq.as_ref() }
    }

    /// What to do.
    #[inline]
    pub fn op(&self) -> Op {
        // CAST: All operations are small positive numbers.
        let op = (self.rq().cmd_flags & ((1 << bindings::REQ_OP_BITS) - 1)) as bindings::req_op;
        match op {
            bindings::req_op_REQ_OP_READ => Op::Read,
            bindings::req_op_REQ_OP_WRITE => Op::Write,
            bindings::req_op_REQ_OP_FLUSH => Op::Flush,
            bindings::req_op_REQ_OP_DRV_IN => Op::DriverIn,
            other => Op::Other(other),
        }
    }

    /// Where the data goes, `None` when there is none.
    #[inline]
    pub fn direction(&self) -> Option<Direction> {
        match self.op() {
            Op::Read | Op::DriverIn => Some(Direction::FromDevice),
            Op::Write => Some(Direction::ToDevice),
            Op::Flush | Op::Other(_) => None,
        }
    }

    /// The first sector, in units of 512 bytes. Meaningless unless reading or writing.
    #[doc(alias = "blk_rq_pos")]
    #[inline]
    pub fn sector(&self) -> u64 {
        self.rq().__sector
    }

    /// The length of the data in bytes.
    #[doc(alias = "blk_rq_bytes")]
    #[inline]
    pub fn data_len(&self) -> u32 {
        match self.direction() {
            Some(_) => self.rq().__data_len,
            None => 0,
        }
    }

    /// The data in physical memory, in order: none for operations without data, and never more
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
    fn tag(&mut self) -> Pin<&mut Tag<T::Command>> {
        // SAFETY: By the type invariant the tag is ours, and tags are never moved.
        unsafe { Pin::new_unchecked(self.tag.as_mut()) }
    }

    /// The driver's memory for this request. What an earlier request left in it is still there.
    #[inline]
    pub fn command(&mut self) -> Pin<&mut T::Command> {
        self.tag().project().command
    }

    /// The driver's memory for this request, to read.
    #[inline]
    pub fn command_ref(&self) -> &T::Command {
        // SAFETY: By the type invariant the tag is ours.
        unsafe { &self.tag.as_ref().command }
    }

    /// Sets how [`Request::end_completed`] is to end the request.
    #[inline]
    pub(crate) fn set_status(&mut self, status: BlkStatus) {
        *self.tag().project().status = status;
    }

    /// Has the request ended with `status` on the CPU that submitted it, or one near.
    #[doc(alias = "blk_mq_complete_request")]
    pub fn complete(mut self, status: BlkStatus) {
        self.set_status(status);
        // SAFETY: The request is started, and ours to complete.
        unsafe { bindings::blk_mq_complete_request(self.into_raw()) }
    }

    /// Ends the request as [`Request::complete`] said.
    #[inline]
    pub(crate) fn end_completed(mut self) {
        let status = *self.tag().project().status;
        self.end(status)
    }

    /// Ends the request here and now.
    #[doc(alias = "blk_mq_end_request")]
    #[inline]
    pub fn end(mut self, status: BlkStatus) {
        self.command().release();
        // SAFETY: The request is started, and ours to end.
        unsafe { bindings::blk_mq_end_request(self.into_raw(), status.into_raw()) }
    }

    /// Gives the request back to the block layer, to be queued again.
    #[doc(alias = "blk_mq_requeue_request")]
    #[cold]
    pub fn requeue(mut self) {
        self.command().release();
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

impl<T: Operations> Drop for Request<T> {
    #[cold]
    fn drop(&mut self) {
        self.command().release();
        // SAFETY: The request is started, and ours to end; nobody uses `self` after this.
        unsafe { bindings::blk_mq_end_request(self.as_raw(), BlkStatus::IoError.into_raw()) }
    }
}
