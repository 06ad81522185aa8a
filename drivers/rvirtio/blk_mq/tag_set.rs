// SPDX-License-Identifier: GPL-2.0

//! Tag sets: the hardware queues of a device, their tags, and the driver's memory for requests.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    callbacks::Callbacks,
    hw_queue::{
        HwData,
        HwQueues,
        Tag,
        MAPS, //
    },
    operations::Operations,
    request::Pdu, //
};
use core::{
    cell::UnsafeCell,
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
    ffi::c_uint,
    prelude::*,
    types::Opaque, //
};

/// The tags of a hardware queue, which do not move. The content of a cell belongs to the request
/// that has the tag.
type Tags<C> = KVVec<UnsafeCell<Tag<C>>>;

/// The hardware queues of a tag set with the operations `T`, and the tags of each.
type Parts<'bound, T> = (
    HwQueues<'bound, <T as Operations>::HwQueue>,
    KVec<Tags<<T as Operations>::Command>>,
);

/// The parts of a hardware queue that is to be created.
pub struct NewQueue<I, C> {
    /// The initialiser of the driver's hardware queue.
    pub queue: I,
    /// The driver's memory for requests in flight, one for each tag.
    pub commands: KVVec<C>,
}

/// The hardware queues of a device, and their tags. A queue has as many requests at a time as it
/// has tags.
///
/// A hardware queue may contain requests, which have pointers to tags and to memory of the block
/// layer. There are none left when the tag set is dropped:
///
/// - Requests come from a disk that uses this tag set. This is a [`GenDisk`](crate::GenDisk), which
///   owns the tag set, so there is only one.
/// - Before it drops the tag set, it removes the disk, which waits until every request has ended,
///   and prevents new ones. A request that the driver forgets never ends, so this waits forever.
///
/// # Invariants
///
/// - `inner` is a tag set that was allocated with the callbacks of `T`, and its driver data
///   points to `queues`.
/// - There are no more driver tags than elements in each of `tags`, of which there is one for each
///   queue in `queues`.
/// - No disk uses the tag set when it is dropped.
#[doc(alias = "blk_mq_tag_set")]
#[pin_data(PinnedDrop)]
pub struct TagSet<'bound, T: Operations> {
    #[pin]
    inner: Opaque<bindings::blk_mq_tag_set>,
    /// Dropped before `tags`, because it has pointers to them.
    queues: KBox<HwQueues<'bound, T::HwQueue>>,
    /// Only accessed through these pointers.
    tags: KVec<Tags<T::Command>>,
}

// SAFETY: A tag set can be freed by any thread, and its hardware queues and commands are `Send`.
unsafe impl<T: Operations> Send for TagSet<'_, T> {}
// SAFETY: A shared reference only gives access to the hardware queues, which are `Sync`. The block
// layer protects its use of the tag set by its own locks.
unsafe impl<T: Operations> Sync for TagSet<'_, T> {}

impl<'bound, T: Operations> TagSet<'bound, T> {
    /// Creates the given hardware queues, with `depth` tags each. The last `polled` of them, which
    /// must be fewer than all, have no interrupts: the block layer polls them for requests that ask
    /// for that, and sends them no others.
    ///
    /// If each queue has an interrupt of its own, `interrupts` is the device with the interrupts,
    /// and each queue is used by the CPUs that its interrupt is routed to. Otherwise CPUs are
    /// spread evenly.
    ///
    /// # Errors
    ///
    /// `EINVAL` if all queues are polled, or one has fewer than `depth` commands; `ENOMEM`; those of initialising the
    /// queues.
    pub fn new<'a, I>(
        interrupts: Option<&'bound Device<Bound>>,
        depth: u16,
        queues: KVec<NewQueue<I, T::Command>>,
        polled: u16,
    ) -> impl PinInit<Self, Error> + 'a
    where
        I: PinInit<T::HwQueue, Error> + 'a,
        Self: 'a,
    {
        pin_init::pin_init_scope(move || {
            // CAST: A device has at most 65535 queues.
            let nr_hw_queues = queues.len() as c_uint;
            if nr_hw_queues <= polled.into() {
                return Err(EINVAL);
            }
            let (queues, tags) = Self::create(interrupts, depth, queues, polled)?;
            let queues = KBox::new(queues, GFP_KERNEL)?;
            let driver_data: *const HwQueues<'_, T::HwQueue> = &*queues;
            let set = bindings::blk_mq_tag_set {
                ops: &Callbacks::<T>::OPS,
                nr_hw_queues,
                nr_maps: if polled > 0 { MAPS } else { 1 },
                queue_depth: depth.into(),
                numa_node: bindings::NUMA_NO_NODE,
                // CAST: A few bytes.
                cmd_size: size_of::<Pdu>() as c_uint,
                driver_data: driver_data.cast_mut().cast(),
                ..pin_init::zeroed()
            };
            // INVARIANT: `create` has checked the number of tags, which C can only reduce. There is
            // no disk yet.
            Ok(try_pin_init!(Self {
                inner <- allocate(set),
                queues,
                tags,
            }? Error))
        })
    }

    /// Creates the queues and their tags.
    fn create<I>(
        interrupts: Option<&'bound Device<Bound>>,
        depth: u16,
        queues: KVec<NewQueue<I, T::Command>>,
        polled: u16,
    ) -> Result<Parts<'bound, T>>
    where
        I: PinInit<T::HwQueue, Error>,
    {
        let count = queues.len();
        let mut tags = KVec::with_capacity(count, GFP_KERNEL)?;
        let mut parts = KVec::with_capacity(count, GFP_KERNEL)?;
        for NewQueue { queue, commands } in queues {
            let tags_of_queue = create_tags(commands, depth)?;
            parts.push((NonNull::from(&*tags_of_queue).cast(), queue), GFP_KERNEL)?;
            tags.push(tags_of_queue, GFP_KERNEL)?;
        }
        let mut parts = parts.into_iter();
        let make = |_| {
            let part = parts.next();
            pin_init::pin_init_scope(move || {
                let (tags, queue) = part.ok_or(EINVAL)?;
                // INVARIANT: `tags` has the type of the tag set. The caller drops the tags after
                // the queues.
                Ok(try_pin_init!(HwData { tags, hwq <- queue }? Error))
            })
        };
        let queues = KBox::pin_slice(make, count, GFP_KERNEL)?;
        let queues = HwQueues {
            interrupts,
            polled: polled.into(),
            queues,
        };
        Ok((queues, tags))
    }

    /// Returns the raw pointer.
    pub(crate) fn as_raw(&self) -> *mut bindings::blk_mq_tag_set {
        self.inner.get()
    }
}

/// Creates `depth` tags from as many of `commands`.
fn create_tags<C>(commands: KVVec<C>, depth: u16) -> Result<Tags<C>> {
    let depth = usize::from(depth);
    if commands.len() < depth {
        return Err(EINVAL);
    }
    let mut tags = KVVec::with_capacity(depth, GFP_KERNEL)?;
    for command in commands.into_iter().take(depth) {
        tags.push(UnsafeCell::new(Tag { command }), GFP_KERNEL)?;
    }
    Ok(tags)
}

/// Returns the number of queues that are useful on this machine, at most `max`.
#[doc(alias = "blk_mq_num_possible_queues")]
pub fn num_possible_queues(max: u32) -> u32 {
    // SAFETY: The function has no requirements: it only reads the number of CPUs.
    unsafe { bindings::blk_mq_num_possible_queues(max) }
}

/// Initialises a tag set with the given settings.
fn allocate(
    settings: bindings::blk_mq_tag_set,
) -> impl PinInit<Opaque<bindings::blk_mq_tag_set>, Error> {
    Opaque::try_ffi_init(move |set: *mut bindings::blk_mq_tag_set| {
        // SAFETY: `set` is valid for writes, and the tag set is pinned at this address.
        to_result(unsafe {
            set.write(settings);
            bindings::blk_mq_alloc_tag_set(set)
        })
    })
}

#[pinned_drop]
impl<T: Operations> PinnedDrop for TagSet<'_, T> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: The tag set was allocated, and no disk uses it (type invariant).
        unsafe { bindings::blk_mq_free_tag_set(self.inner.get()) }
    }
}
