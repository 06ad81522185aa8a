// SPDX-License-Identifier: GPL-2.0

//! Tags: the requests that a device can have at a time, and the driver's memory for them.
//!
//! C header: [`include/linux/blk-mq.h`](srctree/include/linux/blk-mq.h)

use crate::{
    callbacks::Callbacks,
    hw_queue::{
        HwData,
        HwQueues,
        Tag, //
    },
    operations::Operations,
    status::BlkStatus, //
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

/// The tags of a hardware queue, which stay where they are. What is in a cell belongs to the
/// request that has the tag.
type Tags<C> = KVVec<UnsafeCell<Tag<C>>>;

/// The hardware queues of a tag set with the operations `T`, and the tags of each.
type Parts<'bound, T> = (
    HwQueues<'bound, <T as Operations>::HwQueue>,
    KVec<Tags<<T as Operations>::Command>>,
);

/// What a hardware queue is made of.
pub struct NewQueue<I, C> {
    /// Initialises the driver's hardware queue.
    pub queue: I,
    /// The driver's memory for each request in flight: one for each tag.
    pub commands: KVVec<C>,
}

/// The hardware queues of a device, and their tags: the requests that each can have at a time.
///
/// A hardware queue may hold requests, which hold pointers to tags and to memory of the block
/// layer. None is left when this is dropped:
///
/// - Requests come from a disk on this tag set. That is a [`GenDisk`](crate::GenDisk), which owns
///   the tag set, so that no other has it.
/// - Before it gives up the tag set, it removes the disk, which waits until every request has
///   ended, and prevents new ones. A request that the driver forgets is never ended, so that this
///   waits forever.
///
/// # Invariants
///
/// - `inner` is a tag set that was allocated with the callbacks of `T`, and its driver data
///   points to `queues`.
/// - There are no more driver tags than elements in each of `tags`, of which there is one for each
///   queue in `queues`.
/// - No disk is on the tag set when this is dropped.
#[doc(alias = "blk_mq_tag_set")]
#[pin_data(PinnedDrop)]
pub struct TagSet<'bound, T: Operations> {
    #[pin]
    inner: Opaque<bindings::blk_mq_tag_set>,
    /// Dropped before `tags`, to which it has pointers.
    queues: KBox<HwQueues<'bound, T::HwQueue>>,
    /// Reached through these pointers only.
    tags: KVec<Tags<T::Command>>,
}

// SAFETY: A tag set can be freed by any thread, and so can hardware queues and commands.
unsafe impl<T: Operations> Send for TagSet<'_, T> {}
// SAFETY: Through a shared reference only hardware queues can be reached, which are `Sync`. The
// block layer guards its use of the tag set by locks of its own.
unsafe impl<T: Operations> Sync for TagSet<'_, T> {}

impl<'bound, T: Operations> TagSet<'bound, T> {
    /// Creates the given hardware queues, with `depth` tags each.
    ///
    /// Where each queue has an interrupt of its own, `interrupts` is the device whose bus knows
    /// which CPUs these go to, and those use the queue. Else CPUs are spread evenly.
    ///
    /// # Errors
    ///
    /// `EINVAL` when a queue has less than `depth` commands; `ENOMEM`; those of the queues.
    pub fn new<'a, I>(
        interrupts: Option<&'bound Device<Bound>>,
        depth: u16,
        queues: KVec<NewQueue<I, T::Command>>,
    ) -> impl PinInit<Self, Error> + 'a
    where
        I: PinInit<T::HwQueue, Error> + 'a,
        Self: 'a,
    {
        pin_init::pin_init_scope(move || {
            // CAST: As many as a device has, which are counted in 16 bits.
            let nr_hw_queues = queues.len() as c_uint;
            let (queues, tags) = Self::create(interrupts, depth, queues)?;
            let queues = KBox::new(queues, GFP_KERNEL)?;
            let driver_data: *const HwQueues<'_, T::HwQueue> = &*queues;
            let set = bindings::blk_mq_tag_set {
                ops: &Callbacks::<T>::OPS,
                nr_hw_queues,
                nr_maps: 1,
                queue_depth: depth.into(),
                numa_node: bindings::NUMA_NO_NODE,
                driver_data: driver_data.cast_mut().cast(),
                ..pin_init::zeroed()
            };
            // INVARIANT: `create` checked the number of tags; C makes it smaller at most. There is
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
                // INVARIANT: The caller keeps the tags for longer than the queues.
                Ok(try_pin_init!(HwData { tags, hwq <- queue }? Error))
            })
        };
        let queues = KBox::pin_slice(make, count, GFP_KERNEL)?;
        Ok((HwQueues { interrupts, queues }, tags))
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
        let tag = Tag {
            status: BlkStatus::IoError,
            command,
        };
        tags.push(UnsafeCell::new(tag), GFP_KERNEL)?;
    }
    Ok(tags)
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
        // SAFETY: It was allocated, and no disk is on it (type invariant).
        unsafe { bindings::blk_mq_free_tag_set(self.inner.get()) }
    }
}
