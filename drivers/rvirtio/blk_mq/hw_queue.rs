// SPDX-License-Identifier: GPL-2.0

//! Hardware queues and their tags. A queue has as many requests at a time as it has tags.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

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

/// The memory of a driver tag. It is aligned to a cache line, because the CPUs of a queue use its
/// tags at the same time.
#[repr(align(64))]
pub(crate) struct Tag<C> {
    /// The driver's memory.
    pub(crate) command: C,
}

/// The driver data of a hardware queue.
///
/// # Invariants
///
/// `tags` are the [`Tag`]s of the queue, with commands of the type of the tag set. The field is at
/// the beginning of this structure. The tags outlive this structure.
#[pin_data]
#[repr(C)]
pub(crate) struct HwData<Q> {
    pub(crate) tags: NonNull<c_void>,
    #[pin]
    pub(crate) hwq: Q,
}

// SAFETY: `tags` points to memory that is only accessed by the requests that own the tags, which
// are `Send`.
unsafe impl<Q: Send> Send for HwData<Q> {}
// SAFETY: A shared reference only gives access to `hwq`, which is `Sync`, and to the address of the
// tags.
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
        // SAFETY: `tags` has a `Tag<C>` for each driver tag (type invariant), and `tag` is one
        // (safety requirement).
        unsafe { self.tags.cast::<Tag<C>>().add(tag) }
    }
}

/// Returns the memory of driver tag `tag` of the hardware queue with this driver data. Unlike
/// [`HwData::tag`], it does not depend on the type of the driver's hardware queue.
///
/// # Safety
///
/// `driver_data` must belong to a hardware queue that is in use, in a tag set whose commands are
/// `C`s. `tag` must be one of its driver tags.
#[inline]
pub(crate) unsafe fn tag_of<C>(driver_data: *mut c_void, tag: usize) -> NonNull<Tag<C>> {
    // SAFETY: `driver_data` points to a `HwData`, which begins with the address of the tags, of
    // which there is a `Tag<C>` for each driver tag (type invariant of `HwData`).
    unsafe { (*driver_data.cast::<NonNull<Tag<C>>>()).add(tag) }
}

/// All hardware queues of a device. The driver data of a tag set points to this.
pub(crate) struct HwQueues<'bound, Q> {
    pub(crate) interrupts: Option<&'bound Device<Bound>>,
    /// The number of queues at the end that are polled.
    pub(crate) polled: c_uint,
    pub(crate) queues: Pin<KBox<[HwData<Q>]>>,
}

/// The number of maps of a tag set with polled queues: it has one for each type of queue.
pub(crate) const MAPS: c_uint = bindings::hctx_type_HCTX_MAX_TYPES;

impl<Q> HwQueues<'_, Q> {
    /// Returns the driver's hardware queues.
    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = Pin<&Q>> {
        let queues = self.queues.as_ref().get_ref().iter();
        // SAFETY: The queues are pinned, and `hwq` is structurally pinned: it is marked `#[pin]`.
        queues.map(|data| unsafe { Pin::new_unchecked(&data.hwq) })
    }

    /// Returns the data of hardware queue `index`.
    pub(crate) fn get(&self, index: c_uint) -> Option<&HwData<Q>> {
        self.queues.as_ref().get_ref().get(index as usize)
    }

    /// Assigns CPUs to queues: first to those with interrupts, then to those that are polled.
    ///
    /// # Safety
    ///
    /// `maps` must be those of a tag set with these queues.
    pub(crate) unsafe fn map_queues(&self, maps: &mut [bindings::blk_mq_queue_map]) {
        // CAST: A device has at most 65535 queues.
        let first = (self.queues.len() as c_uint).saturating_sub(self.polled);
        for (kind, map) in (0..).zip(maps) {
            (map.nr_queues, map.queue_offset) = match kind {
                bindings::hctx_type_HCTX_TYPE_DEFAULT => (first, 0),
                bindings::hctx_type_HCTX_TYPE_POLL => (self.polled, first),
                _ => continue,
            };
            if kind == bindings::hctx_type_HCTX_TYPE_POLL {
                // SAFETY: The map belongs to the tag set, and is borrowed exclusively.
                unsafe { bindings::blk_mq_map_queues(map) };
            } else {
                // SAFETY: As above.
                unsafe { self.map_interrupts(map) };
            }
        }
    }

    /// Assigns CPUs to queues with interrupts.
    ///
    /// # Safety
    ///
    /// `map` must be valid, and nobody else may access it during the call.
    unsafe fn map_interrupts(&self, map: *mut bindings::blk_mq_queue_map) {
        match self.interrupts {
            Some(device) => {
                // CAST: `Device` is a transparent wrapper.
                let device = core::ptr::from_ref(device).cast_mut().cast();
                // SAFETY: The device is valid and bound. The map is valid, and nobody else accesses
                // it (safety requirement).
                unsafe { bindings::blk_mq_map_hw_queues(map, device, 0) }
            }
            // SAFETY: The map is valid, and nobody else accesses it (safety requirement).
            None => unsafe { bindings::blk_mq_map_queues(map) },
        }
    }
}

/// The context of a hardware queue in the block layer.
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
    /// `hctx` must belong to a tag set whose hardware queues are `Q`s, and be in use for `'a`:
    /// between the callbacks `init_hctx` and `exit_hctx`.
    #[inline]
    pub(crate) unsafe fn from_raw(hctx: *mut bindings::blk_mq_hw_ctx) -> Self {
        // INVARIANT: `hctx` is in use, so it is valid for `'a` (safety requirement), and `data` is
        // its driver data.
        Self {
            hctx,
            // SAFETY: `init_hctx` has set the driver data to a `HwData<Q>`, which outlives the
            // queue.
            data: unsafe { &*(*hctx).driver_data.cast::<HwData<Q>>() },
        }
    }

    /// Stops the queue: the block layer passes no more requests of it until
    /// [`Request::restart_hw_queue`](crate::Request::restart_hw_queue).
    ///
    /// The caller must hold the lock with which completed requests are taken from the device, and
    /// at least one request must be in flight. Otherwise the queue might never be restarted.
    #[doc(alias = "blk_mq_stop_hw_queue")]
    pub fn stop(&self) {
        // SAFETY: `hctx` is valid (type invariant).
        unsafe { bindings::blk_mq_stop_hw_queue(self.hctx) }
    }

    /// Returns the raw pointer, for comparisons.
    #[inline]
    pub(crate) fn as_raw(&self) -> *mut bindings::blk_mq_hw_ctx {
        self.hctx
    }

    /// Returns the data of the queue.
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
