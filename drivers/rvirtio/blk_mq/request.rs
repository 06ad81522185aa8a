// SPDX-License-Identifier: GPL-2.0

//! Requests that the driver owns.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    helpers::rvirtio_blk_rqf_dontprep,
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
    ptr::NonNull,
    sync::atomic::{
        AtomicU32,
        Ordering::Relaxed, //
    }, //
};
use kernel::bindings;
use rvirtio::dma::Direction;

/// The driver's memory for a request in flight.
///
/// It belongs to a driver tag, and is used for one request after the other. Drivers can only access
/// it through functions of this crate for requests.
pub trait Command: Send {
    /// Releases all that belongs to the request rather than to the tag, such as mappings of its
    /// data. It is called before a request is returned to the block layer in any way.
    fn release(&mut self);

    /// Returns whether [`Command::release`] has to be called.
    fn needs_release(&self) -> bool;
}

/// The driver's memory behind a request, which stays with it when it is requeued, unlike its tag.
pub(crate) struct Pdu {
    /// The number of times that the device has had the request and not completed it. Only valid if
    /// `RQF_DONTPREP` is set.
    attempts: u8,
    /// The status that the request ends with; only valid between [`Request::complete`] and
    /// [`Request::end_completed`].
    status: BlkStatus,
    /// What a request of the driver itself is about. Only valid for [`Op::DriverIn`].
    pub(crate) kind: u32,
}

/// A value that owns a request, in any state.
///
/// It is only meant for the lists and batches of this crate.
pub trait Owned: Sized {
    /// Transfers ownership to the pointer, without ending the request.
    #[doc(hidden)]
    fn into_raw(self) -> *mut bindings::request;

    /// Takes the ownership back that [`Owned::into_raw`] has transferred.
    ///
    /// # Safety
    ///
    /// `rq` must come from [`Owned::into_raw`] of a value of this type, must not have been changed
    /// since, and must be owned by the caller, who transfers the ownership to the new value.
    #[doc(hidden)]
    unsafe fn from_raw(rq: *mut bindings::request) -> Self;
}

/// A request that was not started, and the reason.
pub struct Refused<C: Command> {
    /// The request.
    pub rq: Request<C>,
    /// The reason.
    pub status: BlkStatus,
}

/// A request that was started and that the driver owns.
///
/// There is no second value for the same request, and it cannot be copied. If it is dropped, the
/// request ends with an I/O error.
///
/// # Invariants
///
/// - `rq` is a started request of a tag set whose commands are `C`s, with a driver tag.
/// - `tag` is the memory of that driver tag.
/// - This value owns the request and its tag: nobody else accesses or ends them, except that
///   [`TimedOut`](crate::TimedOut) reads the state and changes the timeout.
#[doc(alias = "struct request")]
pub struct Request<C: Command> {
    rq: NonNull<bindings::request>,
    /// Cached, because determining it from `rq` needs four loads.
    tag: NonNull<Tag<C>>,
}

// SAFETY: A request can be handled and ended by any thread, and its command is `Send`.
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
        // INVARIANT: The invariants hold for `rq`, because it came from such a value (safety
        // requirement). `tag_of` returns the memory of its driver tag.
        Self {
            // SAFETY: `rq` is a valid request (safety requirement), so it is not null.
            rq: unsafe { NonNull::new_unchecked(rq) },
            // SAFETY: The hardware queue is in use while it has requests, its commands are `C`s,
            // and the request has a driver tag, which is not negative.
            tag: unsafe { tag_of((*(*rq).mq_hctx).driver_data, (*rq).tag as usize) },
        }
    }
}

impl<C: Command> Request<C> {
    /// Takes the ownership of a request from the block layer, and starts it.
    ///
    /// # Safety
    ///
    /// `rq` must be a request of `hctx` that has a driver tag and is not started. The block layer
    /// must transfer its ownership to the driver. The commands of its tag set must be `C`s.
    #[inline]
    pub(crate) unsafe fn start<Q>(rq: *mut bindings::request, hctx: HwContext<'_, Q>) -> Self {
        // INVARIANT: `rq` belongs to the driver, has a driver tag, and is in a tag set with
        // commands `C` (safety requirement). It is started here.
        // SAFETY: `rq` is valid and not started, and its tag is one of `hctx` (safety requirement).
        // A valid request is not null, and a driver tag is not negative.
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

    /// Returns the driver's memory behind the request.
    #[inline]
    fn pdu(&mut self) -> &mut Pdu {
        // SAFETY: The request is owned by this value (type invariant), and followed by a `Pdu`, as the
        // tag set requests. It was zeroed when it was allocated, which is valid for all fields.
        unsafe { &mut *self.as_raw().add(1).cast::<Pdu>() }
    }

    /// Transfers the ownership to the block layer, without ending the request.
    pub(crate) fn forget(mut self) {
        self.release();
        mem::forget(self);
    }

    /// Releases all that belongs to the request rather than to the tag.
    #[inline]
    fn release(&mut self) {
        self.command_mut().release();
        self.release_payload();
    }

    #[inline]
    pub(crate) fn rq(&self) -> &bindings::request {
        // SAFETY: The request is valid (type invariant). The fields that this crate reads do not
        // change while the driver owns it.
        unsafe { self.rq.as_ref() }
    }

    /// Returns the operation.
    #[inline]
    pub fn op(&self) -> Op {
        Op::from_flags(self.rq().cmd_flags)
    }

    /// Returns the direction of the data, or `None` without data.
    #[inline]
    pub fn direction(&self) -> Option<Direction> {
        let payload = || self.has_payload().then_some(Direction::ToDevice);
        self.op().direction().or_else(payload)
    }

    /// Returns the first sector, in units of 512 bytes. It is only valid for operations on sectors.
    #[doc(alias = "blk_rq_pos")]
    #[inline]
    pub fn sector(&self) -> u64 {
        self.rq().__sector
    }

    /// Returns the numbers that were passed to
    /// [`Disk::execute_driver_in`](crate::Disk::execute_driver_in), or `None` for other requests.
    pub fn driver_kind(&self) -> Option<(u32, u64)> {
        // SAFETY: The request is followed by a `Pdu`, as the tag set requests.
        // `Disk::execute_driver_in`, which makes all requests of this operation, has set the field.
        let kind = || unsafe { (*self.as_raw().add(1).cast::<Pdu>()).kind };
        (self.op() == Op::DriverIn).then(|| (kind(), self.sector()))
    }

    /// Returns the I/O priority, 0 for none.
    #[doc(alias = "req_get_ioprio")]
    #[inline]
    pub fn priority(&self) -> u16 {
        let bio = self.rq().bio;
        if bio.is_null() {
            return 0;
        }
        // SAFETY: The bios of a request are valid while the driver owns it.
        unsafe { (*bio).bi_ioprio }
    }

    /// Returns the length of the data, or of the sectors that the request is about, in bytes.
    /// Meaningless for other operations.
    #[doc(alias = "blk_rq_bytes")]
    #[inline]
    pub fn data_len(&self) -> u32 {
        self.rq().__data_len
    }

    /// Returns the segments of the data in physical memory, in order. There are none for operations
    /// without data, and never more than [`Limits::max_segments`](crate::Limits::max_segments).
    #[inline]
    pub fn segments(&self) -> Segments<'_> {
        match self.op().direction() {
            // SAFETY: The request is valid, and its bios do not change while the driver owns it,
            // which includes the lifetime of the borrow. Its operation has data, so its bios
            // describe memory.
            Some(_) => unsafe { Segments::new(self.rq()) },
            // SAFETY: The driver owns the request (type invariant) during the borrow.
            None => unsafe { Segments::of_payload(self.rq()) },
        }
    }

    /// Returns the driver's memory for this request. It still contains the data of an earlier
    /// request.
    #[inline]
    pub(crate) fn command_mut(&mut self) -> &mut C {
        // SAFETY: `tag` is the memory of the driver tag, which this value owns (type invariant).
        unsafe { &mut self.tag.as_mut().command }
    }

    /// Returns the driver's memory for this request, for reading.
    #[inline]
    pub(crate) fn command(&self) -> &C {
        // SAFETY: `tag` is the memory of the driver tag, which this value owns (type invariant).
        unsafe { &self.tag.as_ref().command }
    }

    /// Sets the status with which [`Request::end_completed`] ends the request.
    #[inline]
    pub(crate) fn set_status(&mut self, status: BlkStatus) {
        self.pdu().status = status;
    }

    /// Ends the request with `status` on the CPU that submitted it, or on one that is close to it.
    #[doc(alias = "blk_mq_complete_request")]
    pub fn complete(mut self, status: BlkStatus) {
        self.set_status(status);
        // SAFETY: The request is started and owned by this value (type invariant).
        unsafe { bindings::blk_mq_complete_request(self.into_raw()) }
    }

    /// Ends the request with the status of [`Request::complete`].
    #[inline]
    pub(crate) fn end_completed(mut self) {
        let status = self.pdu().status;
        self.end(status)
    }

    /// Ends the request immediately, on this CPU.
    #[doc(alias = "blk_mq_end_request")]
    #[inline]
    pub fn end(mut self, status: BlkStatus) {
        self.release();
        // SAFETY: The request is started and owned by this value (type invariant).
        unsafe { bindings::blk_mq_end_request(self.into_raw(), status.into_raw()) }
    }

    /// Returns the request to the block layer, to be queued again.
    #[doc(alias = "blk_mq_requeue_request")]
    #[cold]
    pub fn requeue(mut self) {
        self.release();
        // SAFETY: The request is owned by this value (type invariant), and the field is aligned. It
        // may be written concurrently by `TimedOut`, which uses an atomic too. 0 is the default.
        unsafe { AtomicU32::from_ptr(&raw mut (*self.as_raw()).timeout).store(0, Relaxed) };
        // SAFETY: The request is started and owned by this value (type invariant).
        unsafe { bindings::blk_mq_requeue_request(self.into_raw(), true) }
    }

    /// Returns the request to the block layer like [`Request::requeue`], because the device has not
    /// completed it, unless this was attempt number `attempts`.
    ///
    /// # Errors
    ///
    /// The request, if it has used its attempts.
    #[cold]
    pub fn retry(mut self, attempts: u8) -> Result<(), Self> {
        let rq = self.as_raw();
        // The flag tells that the number is valid: the block layer clears it when it allocates the
        // request, and does not merge a request that has it.
        // SAFETY: The request is owned by this value (type invariant). The static is a constant.
        let is_first = unsafe {
            let flags = (*rq).rq_flags;
            (*rq).rq_flags |= rvirtio_blk_rqf_dontprep;
            flags & rvirtio_blk_rqf_dontprep == 0
        };
        if is_first {
            self.pdu().attempts = 0;
        }
        let pdu = self.pdu();
        pdu.attempts = pdu.attempts.saturating_add(1);
        let used = pdu.attempts;
        if used >= attempts {
            return Err(self);
        }
        self.requeue();
        Ok(())
    }

    /// Restarts the hardware queue of this request after
    /// [`HwContext::stop`](crate::HwContext::stop).
    #[doc(alias = "blk_mq_start_stopped_hw_queue")]
    #[cold]
    pub fn restart_hw_queue(&self) {
        // SAFETY: The queue is valid, because it is in use while it has requests. The queue is run
        // asynchronously, so this can be called with the driver's lock held.
        unsafe { bindings::blk_mq_start_stopped_hw_queue(self.rq().mq_hctx, true) }
    }
}

impl<C: Command> Drop for Request<C> {
    #[cold]
    fn drop(&mut self) {
        self.release();
        // SAFETY: The request is started and owned by this value (type invariant), which is not
        // used after this.
        unsafe { bindings::blk_mq_end_request(self.as_raw(), BlkStatus::IoError.into_raw()) }
    }
}

impl<C: Command> Refused<C> {
    /// Returns the request to the block layer, which passed it to the driver as `rq`.
    #[cold]
    pub(crate) fn give_back(self, rq: *mut bindings::request) -> bindings::blk_status_t {
        if self.rq.as_raw() == rq {
            self.rq.forget();
            self.status.into_raw()
        } else {
            // The driver has returned another request, which is requeued. The request that this is
            // called for is still owned by the driver.
            self.rq.requeue();
            BlkStatus::Ok.into_raw()
        }
    }
}
