// SPDX-License-Identifier: GPL-2.0

//! Tags: the requests that a device can have at a time, and the driver's memory for them.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    operations::{
        Callbacks,
        Operations, //
    },
    status::BlkStatus, //
};
use core::{
    cell::UnsafeCell,
    marker::PhantomData,
    pin::Pin,
    ptr::NonNull, //
};
use kernel::{
    bindings,
    device::{
        Bound,
        Device, //
    },
    error::to_result,
    ffi::{
        c_uint,
        c_void, //
    },
    prelude::*,
    types::Opaque, //
};

/// What belongs to a driver tag, on cache lines of its own: tags of a queue are used by all its
/// CPUs at once.
#[pin_data]
#[repr(align(64))]
pub(crate) struct Tag<C> {
    /// How the request is to end; between `complete` and `end_completed`.
    pub(crate) status: BlkStatus,
    /// The driver's part.
    #[pin]
    pub(crate) command: C,
}

/// What belongs to a hardware queue.
///
/// # Invariants
///
/// - `hwq` is valid for as long as the tag set that this is part of.
/// - The elements of `tags` are pinned: it is not changed after it was filled.
pub(crate) struct HwData<T: Operations> {
    hwq: *const T::HwQueue,
    tags: KVVec<UnsafeCell<Tag<T::Command>>>,
}

impl<T: Operations> HwData<T> {
    fn new(hwq: &T::HwQueue, depth: u32) -> Result<Self> {
        // CAST: From 32 to 64 bits.
        let depth = depth as usize;
        let mut tags = KVVec::<UnsafeCell<Tag<T::Command>>>::with_capacity(depth, GFP_KERNEL)?;
        for _ in 0..depth {
            let free = tags.spare_capacity_mut().first_mut().ok_or(ENOMEM)?;
            let init = try_pin_init!(Tag {
                status: BlkStatus::IoError,
                command <- T::new_command(hwq),
            }? Error);
            // The same layout: `UnsafeCell` is transparent.
            let place: *mut Tag<T::Command> = free.as_mut_ptr().cast();
            // SAFETY: `place` is valid for writes and does not move: see the type invariant.
            // On failure it is not initialised, and not counted below.
            unsafe { pin_init::PinInit::__init(init, place) }?;
            // SAFETY: It is the next spare element, within the capacity, and initialised.
            unsafe { tags.inc_len(1) };
        }
        // INVARIANT: The caller keeps `hwq` valid.
        Ok(Self { hwq, tags })
    }

    /// The driver's hardware queue.
    #[inline]
    pub(crate) fn hwq(&self) -> &T::HwQueue {
        // SAFETY: By the type invariant.
        unsafe { &*self.hwq }
    }

    /// The memory of driver tag `tag`, which belongs to the request that has the tag.
    ///
    /// # Safety
    ///
    /// `tag` must be a driver tag of this hardware queue.
    #[inline]
    pub(crate) unsafe fn tag(&self, tag: usize) -> NonNull<Tag<T::Command>> {
        // SAFETY: There is an element for each driver tag.
        NonNull::from(unsafe { self.tags.get_unchecked(tag) }).cast()
    }
}

/// The tags of a disk: up to `depth` requests for each of the hardware queues.
///
/// # Invariants
///
/// - `inner` is a tag set that was allocated with the callbacks of `T`, and its driver data
///   points to `shared`.
/// - Every disk on this tag set is gone before this is dropped: it borrows the tag set.
#[doc(alias = "blk_mq_tag_set")]
#[pin_data(PinnedDrop)]
pub struct TagSet<'a, T: Operations> {
    #[pin]
    inner: Opaque<bindings::blk_mq_tag_set>,
    shared: KBox<Shared<T>>,
    _p: PhantomData<&'a T::HwQueue>,
}

/// What callbacks find through a tag set's driver data.
struct Shared<T: Operations> {
    interrupts: Option<NonNull<bindings::device>>,
    queues: KVec<HwData<T>>,
}

// SAFETY: A tag set can be freed by any thread. Commands are `Send`, and hardware queues are
// shared references to `Sync` types.
unsafe impl<T: Operations> Send for TagSet<'_, T> where T::Command: Send {}
// SAFETY: There is nothing that can be done with a shared reference but create a disk, and the
// block layer guards its use of the tag set by locks of its own.
unsafe impl<T: Operations> Sync for TagSet<'_, T> where T::Command: Send {}

impl<'a, T: Operations> TagSet<'a, T> {
    /// Creates the tags for `queues`, `depth` for each of them.
    ///
    /// Where each queue has an interrupt of its own, `interrupts` is the device whose bus knows
    /// which CPUs these go to, and those use the queue. Else CPUs are spread evenly.
    pub fn new(
        interrupts: Option<&'a Device<Bound>>,
        queues: &[Pin<&'a T::HwQueue>],
        depth: u32,
    ) -> impl PinInit<Self, Error> {
        let shared = Self::shared(interrupts, queues, depth);
        // CAST: There are at most `u16::MAX` queues.
        let nr_hw_queues = queues.len() as c_uint;
        pin_init::pin_init_scope(move || {
            let shared = shared?;
            let driver_data: *const Shared<T> = &*shared;
            let set = bindings::blk_mq_tag_set {
                ops: &Callbacks::<T>::OPS,
                nr_hw_queues,
                nr_maps: 1,
                queue_depth: depth,
                numa_node: bindings::NUMA_NO_NODE,
                driver_data: driver_data.cast_mut().cast(),
                ..pin_init::zeroed()
            };
            Ok(try_pin_init!(Self {
                inner <- allocate(set),
                shared,
                _p: PhantomData,
            }? Error))
        })
    }

    fn shared(
        interrupts: Option<&Device<Bound>>,
        queues: &[Pin<&'a T::HwQueue>],
        depth: u32,
    ) -> Result<KBox<Shared<T>>> {
        let mut data = KVec::with_capacity(queues.len(), GFP_KERNEL)?;
        for hwq in queues {
            data.push(HwData::new(hwq.get_ref(), depth)?, GFP_KERNEL)?;
        }
        let shared = Shared {
            // CAST: `Device` is a transparent wrapper.
            interrupts: interrupts.map(|device| NonNull::from(device).cast()),
            queues: data,
        };
        Ok(KBox::new(shared, GFP_KERNEL)?)
    }

    /// The raw pointer.
    pub(crate) fn as_raw(&self) -> *mut bindings::blk_mq_tag_set {
        self.inner.get()
    }

    /// The data of hardware queue `index`.
    ///
    /// # Safety
    ///
    /// `driver_data` must be that of a `TagSet<T>`, which lives for `'b`.
    pub(crate) unsafe fn hw_data<'b>(
        driver_data: *mut c_void,
        index: c_uint,
    ) -> Option<&'b HwData<T>> {
        // SAFETY: By the safety requirement.
        let shared = unsafe { &*driver_data.cast::<Shared<T>>() };
        shared.queues.get(index as usize)
    }

    /// Decides which CPUs use which queue.
    ///
    /// # Safety
    ///
    /// `set` must be the inner part of a `TagSet<T>`, and the block layer must be asking.
    pub(crate) unsafe fn map_queues(set: *mut bindings::blk_mq_tag_set) {
        // SAFETY: By the safety requirement. The device is bound for `'a`.
        unsafe {
            let shared = &*(*set).driver_data.cast::<Shared<T>>();
            let map = &raw mut (*set).map[0];
            match shared.interrupts {
                Some(device) => bindings::blk_mq_map_hw_queues(map, device.as_ptr(), 0),
                None => bindings::blk_mq_map_queues(map),
            }
        }
    }
}

/// Returns how many queues make sense on this machine, at most `max`.
#[doc(alias = "blk_mq_num_possible_queues")]
pub fn num_possible_queues(max: u32) -> u32 {
    // SAFETY: It only looks at the number of CPUs.
    unsafe { bindings::blk_mq_num_possible_queues(max) }
}

/// Initialises a tag set with the given settings.
fn allocate(
    settings: bindings::blk_mq_tag_set,
) -> impl PinInit<Opaque<bindings::blk_mq_tag_set>, Error> {
    Opaque::try_ffi_init(move |set: *mut bindings::blk_mq_tag_set| {
        // SAFETY: `set` is valid for writes, and the final place of the tag set.
        to_result(unsafe {
            set.write(settings);
            bindings::blk_mq_alloc_tag_set(set)
        })
    })
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for TagSet<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant it was allocated, and no disk uses it.
        unsafe { bindings::blk_mq_free_tag_set(self.inner.get()) }
    }
}
