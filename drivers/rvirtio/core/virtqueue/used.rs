// SPDX-License-Identifier: GPL-2.0

//! Taking back used buffers, many at a time.

use super::{
    buffers::Buffers,
    create::{
        Parts,
        RingUsed, //
    },
    handle::QueueHandle,
    Used, //
};
use crate::{
    display::DisplayAdapter,
    ring::Violation, //
};
use core::mem;
use kernel::prelude::*;

/// Iterates over the buffers that one look at the ring finds used; see
/// [`Virtqueue::used`](super::Virtqueue::used).
pub struct UsedBuffers<'a, 'bound, T> {
    used: RingUsed<'a, 'bound>,
    slots: &'a mut [Option<T>],
    handle: &'a QueueHandle<'bound>,
    reported: &'a mut bool,
}

impl<'a, 'bound, T: Buffers> UsedBuffers<'a, 'bound, T> {
    #[inline]
    pub(super) fn new(
        parts: &'a mut Parts<'bound, T>,
        handle: &'a QueueHandle<'bound>,
        reported: &'a mut bool,
    ) -> Self {
        let (used, slots) = parts.used();
        Self {
            used,
            slots,
            handle,
            reported,
        }
    }
}

impl<T: Buffers> Iterator for UsedBuffers<'_, '_, T> {
    type Item = Used<T>;

    #[inline(always)]
    fn next(&mut self) -> Option<Used<T>> {
        match self.used.next()? {
            Ok(used) => {
                // There is a buffer: the ring checked that the descriptor is one's head.
                let slot = self.slots.get_mut(usize::from(used.token.index()))?;
                Some(Used {
                    data: slot.take()?,
                    written: used.written,
                    overlong: used.overlong,
                })
            }
            Err(violation) => {
                report(self.handle, self.reported, violation);
                None
            }
        }
    }
}

/// Logs that the device has broken the rules, but only once.
#[cold]
pub(super) fn report(handle: &QueueHandle<'_>, reported: &mut bool, violation: Violation) {
    if !mem::replace(reported, true) {
        let index = handle.index;
        dev_err!(
            handle.device(),
            "queue {index}: broken ring: {}\n",
            DisplayAdapter(violation)
        );
        handle.device().request_reset();
    }
}
