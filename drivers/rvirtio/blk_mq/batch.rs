// SPDX-License-Identifier: GPL-2.0

//! Groups of requests: lists, submission batches and completion batches.

use crate::{
    helpers::{
        rvirtio_blk_rqf_alone,
        rvirtio_blk_rqf_timed, //
    },
    hw_queue::HwContext,
    request::{
        Command,
        Owned,
        Request, //
    },
    status::BlkStatus, //
};
use core::{
    marker::PhantomData,
    mem,
    ptr, //
};
use kernel::bindings;

/// Removes the first request from a list.
///
/// # Safety
///
/// `list` must be a valid list of valid requests, and nobody else may access it or the links of its
/// requests.
#[inline]
unsafe fn pop(list: &mut bindings::rq_list) -> Option<*mut bindings::request> {
    let rq = list.head;
    if rq.is_null() {
        return None;
    }
    // SAFETY: `rq` is valid, as it is on `list` (safety requirement). Requests on such lists are
    // linked by this member of the union.
    list.head = unsafe { (*rq).__bindgen_anon_1.rq_next };
    if list.head.is_null() {
        list.tail = ptr::null_mut();
    }
    Some(rq)
}

/// Appends a request to a list.
///
/// # Safety
///
/// The requirements of [`pop`] apply to `list`. `rq` must be valid and on no list, and nobody else
/// may access its link.
#[inline]
unsafe fn push(list: &mut bindings::rq_list, rq: *mut bindings::request) {
    // SAFETY: `rq`, and the last request if `list` is not empty, are valid, and nobody else accesses
    // their links (safety requirements).
    unsafe {
        (*rq).__bindgen_anon_1.rq_next = ptr::null_mut();
        if list.tail.is_null() {
            list.head = rq;
        } else {
            (*list.tail).__bindgen_anon_1.rq_next = rq;
        }
    }
    list.tail = rq;
}

const EMPTY: bindings::rq_list = bindings::rq_list {
    head: ptr::null_mut(),
    tail: ptr::null_mut(),
};

/// A list of requests that the driver owns, linked through the requests themselves. The elements
/// are [`Request`]s, or another type for requests in a certain state.
///
/// # Invariants
///
/// The list owns each request on `list` in the same way as an `R` does.
#[doc(alias = "rq_list")]
pub struct RequestList<R: Owned> {
    list: bindings::rq_list,
    _p: PhantomData<R>,
}

// SAFETY: The list owns values of type `R` (type invariant), which is `Send`.
unsafe impl<R: Owned + Send> Send for RequestList<R> {}

impl<R: Owned> RequestList<R> {
    /// Creates an empty list.
    #[inline]
    pub const fn new() -> Self {
        // INVARIANT: The list is empty.
        Self {
            list: EMPTY,
            _p: PhantomData,
        }
    }

    /// Appends a request.
    #[inline]
    pub fn push_back(&mut self, rq: R) {
        // INVARIANT: `into_raw` transfers the ownership of the request to the list.
        // SAFETY: We have exclusive access to the list, which owns its requests (type invariant).
        // `rq` owned its request, which is on no other list.
        unsafe { push(&mut self.list, rq.into_raw()) }
    }

    /// Removes the first request.
    #[inline]
    pub fn pop_front(&mut self) -> Option<R> {
        // SAFETY: We have exclusive access to the list, which owns its requests like `R`s (type
        // invariant). The ownership is transferred to the new value.
        unsafe { pop(&mut self.list).map(|rq| R::from_raw(rq)) }
    }
}

impl<R: Owned> Default for RequestList<R> {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Owned> Drop for RequestList<R> {
    fn drop(&mut self) {
        while let Some(rq) = self.pop_front() {
            drop(rq);
        }
    }
}

/// Requests of one hardware queue that the block layer passes together. Taking a request from the
/// batch starts it.
///
/// # Invariants
///
/// `list` is a list of requests of tag sets whose hardware queues are `Q`s and whose commands are
/// `C`s. They are not started, and the driver may take them. Nobody else accesses the list.
pub struct Batch<'a, Q, C: Command> {
    list: &'a mut bindings::rq_list,
    hctx: HwContext<'a, Q>,
    _p: PhantomData<Request<C>>,
}

impl<Q, C: Command> Batch<'_, Q, C> {
    /// Calls `f` for each sequence of requests of the same hardware queue on `list`. Requests that
    /// `f` does not take are left on the list.
    ///
    /// # Safety
    ///
    /// `list` must be valid, and nobody else may access it during the call. Its requests must
    /// belong to tag sets whose hardware queues are `Q`s and whose commands are `C`s. They must not
    /// be started, and the block layer must pass them to the driver.
    #[inline]
    pub(crate) unsafe fn for_each_queue(
        list: *mut bindings::rq_list,
        f: fn(HwContext<'_, Q>, &mut Batch<'_, Q, C>),
    ) {
        // SAFETY: `list` is valid, and nobody else accesses it (safety requirement).
        let list = unsafe { &mut *list };
        let mut not_taken = EMPTY;
        while !list.head.is_null() {
            // SAFETY: The first request is valid, and its hardware queue is in use and has a `Q`
            // (safety requirement).
            let hctx = unsafe { HwContext::from_raw((*list.head).mq_hctx) };
            // INVARIANT: The requests on `list` belong to such tag sets, are not started and may be
            // taken (safety requirement).
            let mut batch = Batch {
                list,
                hctx,
                _p: PhantomData,
            };
            f(hctx, &mut batch);
            while let Some(rq) = batch.take_raw() {
                // SAFETY: `take_raw` has removed `rq` from the list, so it is valid and on no list.
                // Nobody else accesses `not_taken`.
                unsafe { push(&mut not_taken, rq) };
            }
        }
        *list = not_taken;
    }

    /// Removes the first request if it belongs to the hardware queue of the batch.
    #[inline]
    fn take_raw(&mut self) -> Option<*mut bindings::request> {
        let first = self.list.head;
        // SAFETY: Requests on the list are valid (type invariant).
        if first.is_null() || unsafe { (*first).mq_hctx } != self.hctx.as_raw() {
            return None;
        }
        // SAFETY: The list and its requests are valid, and nobody else accesses them (type
        // invariant).
        unsafe { pop(self.list) }
    }
}

impl<Q, C: Command> Iterator for Batch<'_, Q, C> {
    type Item = Request<C>;

    #[inline]
    fn next(&mut self) -> Option<Request<C>> {
        let rq = self.take_raw()?;
        // SAFETY: The request is not started and may be taken (type invariant). `take_raw` only
        // returns those of this hardware queue.
        Some(unsafe { Request::start(rq, self.hctx) })
    }
}

/// A batch of completed requests. Those that this CPU may end are ended together.
///
/// They are ended by [`CompletionBatch::end`], or when the batch is dropped. If the batch is
/// forgotten, they never end.
///
/// # Invariants
///
/// The batch owns each request on the list of `batch` in the same way as a [`Request`] does. They
/// have succeeded, and are completed but not ended. If one of them needs to be released, `release`
/// is set.
#[doc(alias = "io_comp_batch")]
pub struct CompletionBatch<C: Command> {
    batch: bindings::io_comp_batch,
    release: bool,
    _p: PhantomData<Request<C>>,
}

impl<C: Command> CompletionBatch<C> {
    /// Creates an empty batch.
    #[inline]
    pub fn new() -> Self {
        // INVARIANT: The list is empty.
        Self {
            batch: pin_init::zeroed(),
            release: false,
            _p: PhantomData,
        }
    }

    /// Ends `rq` with `status`. If it has to end on the CPU that submitted it, and that is another
    /// one, it ends there; otherwise it ends with the batch, or immediately if it cannot be
    /// batched.
    #[doc(alias = "blk_mq_complete_request_remote")]
    #[inline]
    pub fn complete(&mut self, mut rq: Request<C>, status: BlkStatus) {
        rq.set_status(status);
        let needs_release = rq.command().needs_release();
        let rq = rq.into_raw();
        // SAFETY: `rq` came from a `Request`, so it is started and owned by us.
        if unsafe { bindings::blk_mq_complete_request_remote(rq) } {
            return;
        }
        // SAFETY: `blk_mq_complete_request_remote` returned false, so it has marked the request as
        // completed, and we still own it.
        if status == BlkStatus::Ok && unsafe { self.add(rq) } {
            self.release |= needs_release;
        } else {
            // SAFETY: `rq` came from `into_raw` above, and we still own it.
            unsafe { Request::<C>::from_raw(rq) }.end_completed();
        }
    }

    /// Adds a successful request, unless it has to be ended individually. Returns whether it was
    /// added.
    ///
    /// This is the inline function of C without the checks for the function that ends the batch,
    /// which is always the same here.
    ///
    /// # Safety
    ///
    /// `rq` must be completed but not ended, and owned by the caller. If this returns true, the
    /// batch owns it.
    #[doc(alias = "blk_mq_add_to_batch")]
    #[inline]
    unsafe fn add(&mut self, rq: *mut bindings::request) -> bool {
        // SAFETY: The caller owns the request (safety requirement). The statics are constants.
        let (flags, end_io, alone, timed) = unsafe {
            (
                (*rq).rq_flags,
                (*rq).end_io,
                rvirtio_blk_rqf_alone,
                rvirtio_blk_rqf_timed,
            )
        };
        if flags & alone != 0 || end_io.is_some() {
            return false;
        }
        self.batch.need_ts |= flags & timed != 0;
        // SAFETY: We have exclusive access to the list, which owns its requests (type invariant),
        // and the caller owned `rq` (safety requirement).
        unsafe { push(&mut self.batch.req_list, rq) };
        true
    }

    /// Returns whether the batch has no requests.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.batch.req_list.head.is_null()
    }

    /// Ends the requests of the batch, which can then be used again.
    #[inline]
    pub fn end(&mut self) {
        if self.is_empty() {
            return;
        }
        if mem::take(&mut self.release) {
            self.release_all();
        }
        // SAFETY: The batch owns the requests on the list, which are completed (type invariant),
        // and nothing of them is left to be released. C leaves the list empty.
        unsafe { bindings::blk_mq_end_request_batch(&mut self.batch) };
    }

    /// Releases the resources of all requests in the batch.
    #[cold]
    fn release_all(&mut self) {
        let mut next = self.batch.req_list.head;
        while !next.is_null() {
            let rq = next;
            // SAFETY: The batch owns the requests on its list (type invariant). Releasing one does
            // not change the list.
            unsafe {
                next = (*rq).__bindgen_anon_1.rq_next;
                Request::<C>::from_raw(rq).forget();
            }
        }
    }
}

impl<C: Command> Default for CompletionBatch<C> {
    fn default() -> Self {
        Self::new()
    }
}

impl<C: Command> Drop for CompletionBatch<C> {
    #[inline]
    fn drop(&mut self) {
        self.end();
    }
}
