// SPDX-License-Identifier: GPL-2.0

//! Hardware queues, and the tags of each: the requests that it can have at a time.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::status::BlkStatus;
use core::{
    ops::Deref,
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    ffi::{
        c_uint,
        c_void, //
    },
    prelude::*, //
};

/// What belongs to a driver tag, on cache lines of its own: tags of a queue are used by all its
/// CPUs at once.
#[repr(align(64))]
pub(crate) struct Tag<C> {
    /// How the request is to end; between `complete` and `end_completed`.
    pub(crate) status: BlkStatus,
    /// The driver's part.
    pub(crate) command: C,
}

/// What the driver data of a hardware queue points to.
///
/// # Invariants
///
/// `tags` are the [`Tag`]s of the queue, with commands of the type that the tag set has, at the
/// beginning of this structure. They are valid for longer than this is.
#[pin_data]
#[repr(C)]
pub(crate) struct HwData<Q> {
    pub(crate) tags: NonNull<c_void>,
    #[pin]
    pub(crate) hwq: Q,
}

// SAFETY: `tags` points to what belongs to requests, which are `Send`.
unsafe impl<Q: Send> Send for HwData<Q> {}
// SAFETY: Of the tags nothing but the address can be had through a shared reference.
unsafe impl<Q: Sync> Sync for HwData<Q> {}

impl<Q> HwData<Q> {
    /// Returns the driver's hardware queue.
    #[inline]
    pub(crate) fn hwq(&self) -> &Q {
        &self.hwq
    }

    /// Returns the memory of driver tag `tag`, which belongs to the request that has the tag.
    ///
    /// # Safety
    ///
    /// `tag` must be a driver tag of this hardware queue, in a tag set whose commands are `C`s.
    #[inline]
    pub(crate) unsafe fn tag<C>(&self, tag: usize) -> NonNull<Tag<C>> {
        // SAFETY: There is a `Tag<C>` for each driver tag (type invariant).
        unsafe { self.tags.cast::<Tag<C>>().add(tag) }
    }
}

/// Returns the memory of driver tag `tag` of the hardware queue with this driver data. Unlike
/// [`HwData::tag`] it does not need to know the type of the driver's hardware queue.
///
/// # Safety
///
/// `driver_data` must be that of a hardware queue in use, of a tag set whose commands are `C`s, and
/// `tag` one of its driver tags.
#[inline]
pub(crate) unsafe fn tag_of<C>(driver_data: *mut c_void, tag: usize) -> NonNull<Tag<C>> {
    // SAFETY: It points to a `HwData`, which begins with the address of the tags, and there is a
    // `Tag<C>` for each driver tag.
    unsafe { (*driver_data.cast::<NonNull<Tag<C>>>()).add(tag) }
}

/// All hardware queues of a device: what the driver data of a tag set points to.
pub(crate) struct HwQueues<'bound, Q> {
    pub(crate) interrupts: Option<&'bound Device<Bound>>,
    pub(crate) queues: Pin<KBox<[HwData<Q>]>>,
}

impl<Q> HwQueues<'_, Q> {
    /// Returns the driver's hardware queues.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Pin<&Q>> {
        let queues = self.queues.as_ref().get_ref().iter();
        // SAFETY: The queues are pinned, and `hwq` is a part that is pinned with the whole.
        queues.map(|data| unsafe { Pin::new_unchecked(&data.hwq) })
    }

    /// Returns what belongs to hardware queue `index`.
    pub(crate) fn get(&self, index: c_uint) -> Option<&HwData<Q>> {
        self.queues.as_ref().get_ref().get(index as usize)
    }

    /// Decides which CPUs use which queue.
    ///
    /// # Safety
    ///
    /// `map` must be valid, and the block layer must be asking.
    pub(crate) unsafe fn map_queues(&self, map: *mut bindings::blk_mq_queue_map) {
        match self.interrupts {
            Some(device) => {
                // CAST: `Device` is a transparent wrapper.
                let device = core::ptr::from_ref(device).cast_mut().cast();
                // SAFETY: The device is valid and bound. The map is valid, and nobody else touches
                // it now.
                unsafe { bindings::blk_mq_map_hw_queues(map, device, 0) }
            }
            // SAFETY: The map is valid, and nobody else touches it now.
            None => unsafe { bindings::blk_mq_map_queues(map) },
        }
    }
}

/// A hardware queue as the block layer sees it.
///
/// Dereferences to the driver's own [`Operations::HwQueue`](crate::Operations::HwQueue).
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
    /// [`Request::restart_hw_queue`](crate::Request::restart_hw_queue).
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
