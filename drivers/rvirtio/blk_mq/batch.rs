// SPDX-License-Identifier: GPL-2.0

//! Many requests at a time: lists, submission batches and completion batches.

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

/// Takes the first request off a list.
///
/// # Safety
///
/// `list` must be a valid list of valid requests that the caller has the right to change.
#[inline]
unsafe fn pop(list: &mut bindings::rq_list) -> Option<*mut bindings::request> {
    let rq = list.head;
    if rq.is_null() {
        return None;
    }
    // SAFETY: By the safety requirement. Requests on such lists are linked by this member of
    // the union.
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
/// As for [`pop`]; and `rq` must be valid, on no list, and the caller's.
#[inline]
unsafe fn push(list: &mut bindings::rq_list, rq: *mut bindings::request) {
    // SAFETY: By the safety requirement.
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

/// A list of requests that the driver owns, linked through the requests themselves: of
/// [`Request`]s, or of requests in a state that has a type of its own.
///
/// # Invariants
///
/// The requests on `list` are owned by it as by an `R` each.
#[doc(alias = "rq_list")]
pub struct RequestList<R: Owned> {
    list: bindings::rq_list,
    _p: PhantomData<R>,
}

// SAFETY: It is a collection of values that are `Send` then.
unsafe impl<R: Owned + Send> Send for RequestList<R> {}

impl<R: Owned> RequestList<R> {
    /// Creates an empty list.
    #[inline]
    pub const fn new() -> Self {
        // INVARIANT: There are none.
        Self {
            list: EMPTY,
            _p: PhantomData,
        }
    }

    /// Appends a request.
    #[inline]
    pub fn push_back(&mut self, rq: R) {
        // INVARIANT: It owns the request now.
        // SAFETY: The list is ours, and so is the request, which is on no other list.
        unsafe { push(&mut self.list, rq.into_raw()) }
    }

    /// Takes the first request.
    #[inline]
    pub fn pop_front(&mut self) -> Option<R> {
        // SAFETY: The list is ours, and its requests are owned by it as by an `R` (type
        // invariant), which passes to the new value.
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

/// Requests of one hardware queue that the block layer passes at once. Taking one starts it.
///
/// # Invariants
///
/// `list` is a list of requests of tag sets whose hardware queues are `Q`s and whose commands are
/// `C`s. They are not started and may be taken.
pub struct Batch<'a, Q, C: Command> {
    list: &'a mut bindings::rq_list,
    hctx: HwContext<'a, Q>,
    _p: PhantomData<Request<C>>,
}

impl<Q, C: Command> Batch<'_, Q, C> {
    /// Calls `f` for each run of requests of the same hardware queue on `list`, and leaves on it
    /// what `f` did not take.
    ///
    /// # Safety
    ///
    /// `list` must be valid and of requests of tag sets whose hardware queues are `Q`s and whose
    /// commands are `C`s, which are not started and which the block layer hands to the driver.
    #[inline]
    pub(crate) unsafe fn for_each_queue(
        list: *mut bindings::rq_list,
        f: fn(HwContext<'_, Q>, &mut Batch<'_, Q, C>),
    ) {
        // SAFETY: By the safety requirement.
        let list = unsafe { &mut *list };
        let mut not_taken = EMPTY;
        while !list.head.is_null() {
            // SAFETY: The hardware queue of a request is in use.
            let hctx = unsafe { HwContext::from_raw((*list.head).mq_hctx) };
            // INVARIANT: By the safety requirement.
            let mut batch = Batch {
                list,
                hctx,
                _p: PhantomData,
            };
            f(hctx, &mut batch);
            while let Some(rq) = batch.take_raw() {
                // SAFETY: It was on a list a moment ago, and is on none now.
                unsafe { push(&mut not_taken, rq) };
            }
        }
        *list = not_taken;
    }

    /// Takes the first request if it is of the right hardware queue.
    #[inline]
    fn take_raw(&mut self) -> Option<*mut bindings::request> {
        let first = self.list.head;
        // SAFETY: By the type invariant requests on the list are valid.
        if first.is_null() || unsafe { (*first).mq_hctx } != self.hctx.as_raw() {
            return None;
        }
        // SAFETY: By the type invariant.
        unsafe { pop(self.list) }
    }
}

impl<Q, C: Command> Iterator for Batch<'_, Q, C> {
    type Item = Request<C>;

    #[inline]
    fn next(&mut self) -> Option<Request<C>> {
        let rq = self.take_raw()?;
        // SAFETY: The request is not started and may be taken (type invariant). `take_raw` takes
        // only those of this hardware queue.
        Some(unsafe { Request::start(rq, self.hctx) })
    }
}

/// Completes requests, those together that this CPU may end itself.
///
/// They are ended by [`CompletionBatch::end`] or when this is dropped; forgetting it loses them.
///
/// # Invariants
///
/// The requests on the list of `batch` are owned by it as by a [`Request`] each, are completed and
/// not ended, and have succeeded. If one of them needs to be released, `release` is set.
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
        // INVARIANT: There are none.
        Self {
            batch: pin_init::zeroed(),
            release: false,
            _p: PhantomData,
        }
    }

    /// Ends `rq` with `status`: on the CPU that submitted it, if that is another, else at the end
    /// of the batch, or at once if it cannot be batched.
    #[doc(alias = "blk_mq_complete_request_remote")]
    #[inline]
    pub fn complete(&mut self, mut rq: Request<C>, status: BlkStatus) {
        rq.set_status(status);
        let needs_release = rq.command().needs_release();
        let rq = rq.into_raw();
        // SAFETY: The request is started and ours to complete.
        if unsafe { bindings::blk_mq_complete_request_remote(rq) } {
            return;
        }
        // SAFETY: It is marked as completed, and still ours, as that returned false.
        if status == BlkStatus::Ok && unsafe { self.add(rq) } {
            self.release |= needs_release;
        } else {
            // SAFETY: It is still ours.
            unsafe { Request::<C>::from_raw(rq) }.end_completed();
        }
    }

    /// Adds a request that has succeeded, unless it has to be ended by itself. Returns whether it
    /// was added.
    ///
    /// C's inline function, without what is known here: who ends the batch.
    ///
    /// # Safety
    ///
    /// `rq` must be completed and not ended, and be the caller's.
    #[doc(alias = "blk_mq_add_to_batch")]
    #[inline]
    unsafe fn add(&mut self, rq: *mut bindings::request) -> bool {
        // SAFETY: The request is the caller's (safety requirement). The statics are constants.
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
        // SAFETY: The list is ours, and so is the request now.
        unsafe { push(&mut self.batch.req_list, rq) };
        true
    }

    /// Returns whether no request waits for the end of the batch.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.batch.req_list.head.is_null()
    }

    /// Ends the requests that wait for it. More can be completed after that.
    #[inline]
    pub fn end(&mut self) {
        if self.is_empty() {
            return;
        }
        if mem::take(&mut self.release) {
            self.release_all();
        }
        // SAFETY: The requests on the list are ours to end (type invariant), and have nothing left
        // to be released. It leaves the list empty.
        unsafe { bindings::blk_mq_end_request_batch(&mut self.batch) };
    }

    /// Releases what belongs to the requests and not to their tags.
    #[cold]
    fn release_all(&mut self) {
        let mut next = self.batch.req_list.head;
        while !next.is_null() {
            let rq = next;
            // SAFETY: The request is on our list, so it is ours (type invariant); releasing it does
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
