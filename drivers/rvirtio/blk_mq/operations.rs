// SPDX-License-Identifier: GPL-2.0

//! What a driver implements, and the callbacks that lead there from C.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    attribute::AttributeList,
    batch::Batch,
    request::{
        Owned,
        Request, //
    },
    status::BlkStatus,
    tag_set::{
        HwData,
        TagSet, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::Deref, //
};
use kernel::{
    bindings,
    error::from_result,
    ffi::{
        c_int,
        c_uint,
        c_void, //
    },
    module::ModuleMetadata,
    prelude::*, //
};

/// A driver of multi-queue block devices.
///
/// Implementations are marker types; what a callback needs it finds in the hardware queue.
#[vtable]
pub trait Operations: Sized {
    /// The module that the driver is in. `#[vtable]` fills it in.
    type OwnerModule: ModuleMetadata;

    /// A hardware queue of the device.
    type HwQueue: Send + Sync;

    /// The driver's memory for one request in flight.
    type Command: Command;

    /// What sysfs attributes work with.
    type DiskData: Send + Sync;

    /// The driver's attributes of the disk: a tuple of [`Attribute`](crate::Attribute)s.
    type Attributes: AttributeList<Self::HwQueue, Self::DiskData>;

    /// Starts `rq` on the device, or gives it back.
    ///
    /// Unless it is the last, the device need not be told yet: more requests or
    /// [`Operations::commit_rqs`] follow. The latter is called, too, when the last one is given
    /// back.
    ///
    /// # Errors
    ///
    /// [`Refused`] with the same request, which must not be known to the device. The block layer
    /// tries it again if the status is [`BlkStatus::Resource`] or [`BlkStatus::DevResource`], and
    /// ends it with any other status.
    fn queue_rq(
        hctx: HwContext<'_, Self::HwQueue>,
        rq: Request<Self::Command>,
        position: Position,
    ) -> Result<(), Refused<Self::Command>>;

    /// Starts all requests of `batch` on the device. All of them belong to `hctx`.
    ///
    /// Requests that the driver leaves in the batch are passed to [`Operations::queue_rq`].
    fn queue_rqs(
        hctx: HwContext<'_, Self::HwQueue>,
        batch: &mut Batch<'_, Self::HwQueue, Self::Command>,
    );

    /// Tells the device about requests for which [`Operations::queue_rq`] did not do that.
    fn commit_rqs(hctx: HwContext<'_, Self::HwQueue>);
}

/// The driver's memory for a request in flight.
///
/// It belongs to a driver tag, and is used for one request after the other. Drivers reach it
/// through what this crate offers for requests only.
pub trait Command: Send {
    /// Gives up all that belongs to the request and not to the tag, such as mappings of its
    /// data. Called before a request goes back to the block layer, whichever way it does.
    fn release(&mut self);
}

/// Whether more requests follow right after this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// More follow.
    Middle,
    /// This is the last for now.
    Last,
}

/// A request that was not started, and why.
pub struct Refused<C: Command> {
    /// The request.
    pub rq: Request<C>,
    /// Why.
    pub status: BlkStatus,
}

/// A hardware queue as the block layer sees it.
///
/// Dereferences to the driver's own [`Operations::HwQueue`].
///
/// # Invariants
///
/// `hctx` is valid for `'a`, and its driver data is `data`.
#[doc(alias = "blk_mq_hw_ctx")]
pub struct HwContext<'a, Q> {
    hctx: *mut bindings::blk_mq_hw_ctx,
    data: &'a HwData<Q>,
}

impl<'a, Q> HwContext<'a, Q> {
    /// # Safety
    ///
    /// `hctx` must belong to a tag set whose hardware queues are `Q`s, and be in use for `'a`: its
    /// `init_hctx` was called and its `exit_hctx` not yet.
    #[inline]
    pub(crate) unsafe fn from_raw(hctx: *mut bindings::blk_mq_hw_ctx) -> Self {
        // INVARIANT: By the safety requirement; `init_hctx` set the driver data.
        Self {
            hctx,
            // SAFETY: `init_hctx` set it to a `HwData<Q>` that outlives the queue.
            data: unsafe { &*(*hctx).driver_data.cast::<HwData<Q>>() },
        }
    }

    /// Makes the block layer pass no more requests of this queue until
    /// [`Request::restart_hw_queue`].
    ///
    /// To be called under the lock under which completed requests are taken from the device and
    /// with at least one request in flight, else nobody is left to restart the queue.
    #[doc(alias = "blk_mq_stop_hw_queue")]
    pub fn stop(&self) {
        // SAFETY: `hctx` is valid (type invariant).
        unsafe { bindings::blk_mq_stop_hw_queue(self.hctx) }
    }

    /// Returns the raw pointer, to compare.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::blk_mq_hw_ctx {
        self.hctx
    }

    /// Returns what belongs to the queue.
    #[inline]
    pub(crate) fn data(&self) -> &'a HwData<Q> {
        self.data
    }
}

impl<Q> Deref for HwContext<'_, Q> {
    type Target = Q;

    #[inline]
    fn deref(&self) -> &Q {
        self.data.hwq()
    }
}

impl<Q> Clone for HwContext<'_, Q> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<Q> Copy for HwContext<'_, Q> {}

/// The callbacks of a driver, as C wants them.
pub(crate) struct Callbacks<T>(PhantomData<T>);

impl<T: Operations> Callbacks<T> {
    /// The table of callbacks.
    pub(crate) const OPS: bindings::blk_mq_ops = bindings::blk_mq_ops {
        queue_rq: Some(Self::queue_rq),
        queue_rqs: Some(Self::queue_rqs),
        commit_rqs: Some(Self::commit_rqs),
        complete: Some(Self::complete),
        init_hctx: Some(Self::init_hctx),
        map_queues: Some(Self::map_queues),
        ..pin_init::zeroed()
    };

    extern "C" fn queue_rq(
        hctx: *mut bindings::blk_mq_hw_ctx,
        bd: *const bindings::blk_mq_queue_data,
    ) -> bindings::blk_status_t {
        // SAFETY: The block layer passes a valid `bd`.
        let (rq, last) = unsafe { ((*bd).rq, (*bd).last) };
        let position = if last {
            Position::Last
        } else {
            Position::Middle
        };
        // SAFETY: The block layer passes a queue of ours that is in use.
        let hctx = unsafe { HwContext::from_raw(hctx) };
        // SAFETY: The block layer passes a request of this queue that is ours from now on and has
        // not been started.
        let request = unsafe { Request::start(rq, hctx) };
        match T::queue_rq(hctx, request, position) {
            Ok(()) => BlkStatus::Ok.into_raw(),
            Err(refused) => refused.give_back(rq),
        }
    }

    extern "C" fn queue_rqs(list: *mut bindings::rq_list) {
        // SAFETY: The block layer passes a list that is ours for the duration of the call, of
        // requests of our queues that have not been started.
        unsafe { Batch::for_each_queue(list, T::queue_rqs) }
    }

    extern "C" fn commit_rqs(hctx: *mut bindings::blk_mq_hw_ctx) {
        // SAFETY: The block layer passes a queue of ours that is in use.
        T::commit_rqs(unsafe { HwContext::from_raw(hctx) })
    }

    extern "C" fn complete(rq: *mut bindings::request) {
        // SAFETY: This is called for requests of ours for which `Request::complete` gave up
        // ownership.
        unsafe { Request::<T::Command>::from_raw(rq) }.end_completed()
    }

    extern "C" fn init_hctx(
        hctx: *mut bindings::blk_mq_hw_ctx,
        driver_data: *mut c_void,
        index: c_uint,
    ) -> c_int {
        from_result(|| {
            // SAFETY: `driver_data` is what `TagSet::new` set, and the tag set outlives its
            // queues.
            let data = unsafe { TagSet::<T>::hw_data(driver_data, index) }.ok_or(EINVAL)?;
            // SAFETY: The block layer passes a valid queue that is not in use yet.
            unsafe { (*hctx).driver_data = core::ptr::from_ref(data).cast_mut().cast() };
            Ok(0)
        })
    }

    extern "C" fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: The block layer passes a tag set that `TagSet::new` made.
        unsafe { TagSet::<T>::map_queues(set) }
    }
}

impl<C: Command> Refused<C> {
    /// Returns the request to the block layer, which passed it to us as `rq`.
    #[cold]
    fn give_back(self, rq: *mut bindings::request) -> bindings::blk_status_t {
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
