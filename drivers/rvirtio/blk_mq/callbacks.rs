// SPDX-License-Identifier: GPL-2.0

//! The callbacks for C, which call the functions that a driver implements.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    batch::Batch,
    hw_queue::{
        HwContext,
        HwQueues, //
    },
    operations::{
        Operations,
        Position, //
    },
    request::{
        Owned,
        Request, //
    },
    status::BlkStatus,
    timed_out::TimedOut, //
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    error::from_result,
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    prelude::*, //
};

/// The callbacks of a driver for C.
pub(crate) struct Callbacks<T>(PhantomData<T>);

impl<T: Operations> Callbacks<T> {
    /// The table of callbacks.
    pub(crate) const OPS: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: Some(Self::queue_rqs),
        commit_rqs: Some(Self::commit_rqs),
        complete: Some(Self::complete),
        timeout: Some(Self::timeout),
        poll: Some(Self::poll),
        init_hctx: Some(Self::init_hctx),
        map_queues: Some(Self::map_queues),
        ..pin_init::zeroed()
    };

    extern "C" fn queue_rq(
        hctx: *mut bindings::blk_mq_hw_ctx,
        bd: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: The block layer passes a `bd` that is valid during the call.
        let (rq, last) = unsafe { ((*bd).rq, (*bd).last) };
        let position = if last {
            Position::Last
        } else {
            Position::Middle
        };
        // SAFETY: The block layer passes a hardware queue of a tag set with these operations, which
        // is in use.
        let hctx = unsafe { HwContext::from_raw(hctx) };
        // SAFETY: The block layer passes a request of this queue, which has a driver tag and is not
        // started, and transfers its ownership to the driver.
        let request = unsafe { Request::start(rq, hctx) };
        match T::queue_rq(hctx, request, position) {
            Ok(()) => BlkStatus::Ok.into_raw(),
            Err(refused) => refused.give_back(rq),
        }
    }

    extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
        // SAFETY: The block layer passes a list that nobody else accesses during the call. Its
        // requests belong to tag sets with these operations, are not started, and may be taken by
        // the driver.
        unsafe { Batch::for_each_queue(list, T::queue_rqs) }
    }

    extern "C" fn commit_rqs(hctx: *mut bindings::blk_mq_hw_ctx) {
        // SAFETY: The block layer passes a hardware queue of a tag set with these operations, which
        // is in use.
        T::commit_rqs(unsafe { HwContext::from_raw(hctx) })
    }

    extern "C" fn complete(rq: *mut bindings::request) {
        // SAFETY: The block layer calls this for requests that `Request::complete`, or
        // `CompletionBatch::complete`, has completed, and that nobody else owns.
        unsafe { Request::<T::Command>::from_raw(rq) }.end_completed()
    }

    extern "C" fn timeout(rq: *mut bindings::request) -> bindings::blk_eh_timer_return {
        let Some(late) = NonNull::new(rq) else {
            return bindings::blk_eh_timer_return_BLK_EH_DONE;
        };
        // SAFETY: The block layer passes a request that was started, in a tag set with these
        // operations; its hardware queue is in use.
        let (hctx, late) = unsafe { (HwContext::from_raw((*rq).mq_hctx), TimedOut::new(late)) };
        let timeout = T::timeout(hctx, &late);
        late.answer(timeout)
    }

    extern "C" fn poll(
        hctx: *mut bindings::blk_mq_hw_ctx,
        _batch: *mut bindings::io_comp_batch,
    ) -> c_int {
        // SAFETY: The block layer passes a hardware queue of a tag set with these operations, which
        // is in use.
        T::poll(unsafe { HwContext::from_raw(hctx) }).into()
    }

    extern "C" fn init_hctx(
        hctx: *mut bindings::blk_mq_hw_ctx,
        driver_data: *mut c_void,
        index: c_uint,
    ) -> c_int {
        from_result(|| {
            // SAFETY: `driver_data` belongs to a tag set with these operations. It points to
            // `HwQueues`, which outlive the hardware contexts of C.
            let queues = unsafe { &*driver_data.cast::<HwQueues<'_, T::HwQueue>>() };
            let data = queues.get(index).ok_or(EINVAL)?;
            // SAFETY: The block layer passes a valid `hctx`, which is not in use yet.
            unsafe { (*hctx).driver_data = core::ptr::from_ref(data).cast_mut().cast() };
            Ok(0)
        })
    }

    extern "C" fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: The block layer passes a tag set with these operations, whose driver data points
        // to its hardware queues. Nobody else accesses the maps during the call.
        unsafe {
            let queues = &*(*set).driver_data.cast::<HwQueues<'_, T::HwQueue>>();
            let count = (*set).nr_maps as usize;
            let maps = &mut (&mut (*set).map)[..];
            queues.map_queues(maps.get_mut(..count).unwrap_or_default())
        }
    }
}
