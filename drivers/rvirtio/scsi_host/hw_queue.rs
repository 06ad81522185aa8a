// SPDX-License-Identifier: GPL-2.0

//! Hardware queues and their tags. A queue has as many commands at a time as it has tags.

use crate::{
    bindings,
    operations::Operations,
    tag::{
        Tag,
        TagId, //
    }, //
};
use core::pin::Pin;
use kernel::{
    bindings::{
        blk_mq_map_hw_queues,
        blk_mq_map_queues,
        blk_mq_queue_map,
        request, //
    },
    device::{
        Bound,
        Device, //
    },
    ffi::c_uint,
    prelude::*, //
};

/// A hardware queue of the driver's, and its tags, which do not move.
#[pin_data]
pub(crate) struct HwData<T: Operations> {
    /// Dropped before `tags`, because it may have pointers to them.
    #[pin]
    pub(crate) queue: T::HwQueue,
    pub(crate) tags: KVVec<Tag<T::Command>>,
}

/// The hardware queues of a host.
pub(crate) struct HwQueues<'bound, T: Operations> {
    pub(crate) queues: Pin<KBox<[HwData<T>]>>,
    /// The device whose interrupts are those of the queues, if each has one, and the number of its
    /// queues before the first of these.
    pub(crate) interrupts: Option<(&'bound Device<Bound>, c_uint)>,
    /// The number of queues at the end that are polled.
    pub(crate) polled: c_uint,
}

impl<T: Operations> HwQueues<'_, T> {
    #[inline]
    pub(crate) fn all(&self) -> &[HwData<T>] {
        self.queues.as_ref().get_ref()
    }

    /// Returns the queue and the tag of a command, if it has one.
    ///
    /// # Safety
    ///
    /// `sc` must be a valid command of this host.
    #[inline]
    pub(crate) unsafe fn of(
        &self,
        sc: *mut bindings::scsi_cmnd,
    ) -> Option<(&HwData<T>, &Tag<T::Command>)> {
        // SAFETY: A command is behind its request. The hardware queue of a request is valid.
        let (queue, tag) = unsafe {
            let rq = sc.cast::<request>().sub(1);
            let hctx = (*rq).mq_hctx;
            if hctx.is_null() {
                return None;
            }
            ((*hctx).queue_num, (*rq).tag)
        };
        let queue = self.all().get(queue as usize)?;
        // A command without a driver tag has a negative one.
        let tag = queue.tags.get(usize::try_from(tag).ok()?)?;
        Some((queue, tag))
    }

    /// Returns whether the driver owns a command for which `pred` holds.
    pub(crate) fn any(&self, pred: impl Fn(&Tag<T::Command>) -> bool) -> bool {
        self.all().iter().any(|queue| queue.tags.iter().any(&pred))
    }

    /// Assigns CPUs to queues: first to those with interrupts, then to those that are polled.
    ///
    /// # Safety
    ///
    /// `maps` must be those of a host with these queues.
    pub(crate) unsafe fn map_queues(&self, maps: &mut [blk_mq_queue_map]) {
        // CAST: A device has at most 65535 queues.
        let first = (self.all().len() as c_uint).saturating_sub(self.polled);
        for (kind, map) in (0..).zip(maps) {
            (map.nr_queues, map.queue_offset) = match kind {
                kernel::bindings::hctx_type_HCTX_TYPE_DEFAULT => (first, 0),
                kernel::bindings::hctx_type_HCTX_TYPE_POLL => (self.polled, first),
                _ => (0, 0),
            };
            if map.nr_queues == 0 {
                continue;
            }
            match self.interrupts {
                Some((device, before)) if kind == kernel::bindings::hctx_type_HCTX_TYPE_DEFAULT => {
                    // CAST: `Device` is a transparent wrapper.
                    let device = core::ptr::from_ref(device).cast_mut().cast();
                    // SAFETY: The device is valid and bound, and the map belongs to the host and is
                    // borrowed exclusively (safety requirement).
                    unsafe { blk_mq_map_hw_queues(map, device, before) }
                }
                // SAFETY: The map belongs to the host, and is borrowed exclusively.
                _ => unsafe { blk_mq_map_queues(map) },
            }
        }
    }
}

/// Creates the tags of queue `queue`, `depth` of them with as many of `memory`.
pub(crate) fn create_tags<C>(queue: u16, memory: KVVec<C>, depth: u16) -> Result<KVVec<Tag<C>>> {
    if memory.len() < usize::from(depth) {
        return Err(EINVAL);
    }
    let mut tags = KVVec::with_capacity(depth.into(), GFP_KERNEL)?;
    for (tag, memory) in (0..depth).zip(memory) {
        tags.push(Tag::new(TagId::new(queue, tag), memory), GFP_KERNEL)?;
    }
    Ok(tags)
}
