// SPDX-License-Identifier: GPL-2.0

//! Requesting callbacks; see [the rules for both layouts](crate::ring#callbacks).

use super::{
    memory::Memory,
    position,
    Ring, //
};
use crate::{
    ring::{
        barriers::Barriers,
        buffer::Shadow,
        event::{
            Arm,
            More, //
        }, //
    },
    spec::ring::packed::{
        EVENT_FLAG_DISABLE,
        EVENT_FLAG_ENABLE, //
    }, //
};
use core::ops::DerefMut;

const EVENT_DISABLE: u32 = position::event(0, EVENT_FLAG_DISABLE);
const EVENT_ENABLE: u32 = position::event(0, EVENT_FLAG_ENABLE);

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Enables callbacks, requests one, and returns whether there are already used buffers, for
    /// which possibly none will come.
    #[doc(alias = "virtqueue_enable_cb")]
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    #[inline]
    pub fn arm(&mut self, arm: Arm) -> More {
        if self.event_idx {
            self.callbacks = true;
            let skipped = match arm {
                Arm::Next => 0,
                later => later.skipped(self.available()),
            };
            self.write_event(skipped);
        } else if !self.callbacks {
            self.callbacks = true;
            self.mem.driver_event().write(EVENT_ENABLE);
        }
        // The request must be visible before the descriptor is read. The device writes the
        // descriptor and then reads the request, so at least one side sees the other's store.
        self.mem.barriers().mb();
        // A stopped or broken ring has nothing to pop.
        if self.has_used() && self.state.is_live() {
            More::Pending
        } else {
            More::Nothing
        }
    }

    /// Returns whether a callback is requested, and not for a buffer that was already popped. It
    /// has come, or will come at the latest for the last published buffer.
    #[inline]
    pub fn is_armed(&self) -> bool {
        self.callbacks && (!self.event_idx || self.until_event > 0)
    }

    /// Disables callbacks.
    ///
    /// This is only a hint: callbacks may still come. With `EVENT_IDX`, there are no more callbacks
    /// after the requested one, so nothing is written here, but only by a
    /// [`pop_used`](Self::pop_used) that finds no buffer while a callback is still requested.
    #[doc(alias = "virtqueue_disable_cb")]
    #[inline]
    pub fn disable_cb(&mut self) {
        if self.callbacks {
            self.callbacks = false;
            if !self.event_idx {
                self.mem.driver_event().write(EVENT_DISABLE);
            }
        }
    }

    /// Disables callbacks like [`disable_cb`](Self::disable_cb), and takes a request back, so that none
    /// comes for what the device uses later.
    #[inline]
    pub fn silence(&mut self) {
        self.disable_cb();
        if self.event_idx {
            self.until_event = 0;
            self.mem.driver_event().write(EVENT_DISABLE);
        }
    }

    /// Requests a callback for the next buffer if callbacks are enabled and no further buffer is
    /// known to be used.
    ///
    /// The next read of the descriptor then finds a buffer that was used before the device has seen
    /// the event.
    #[inline]
    pub(super) fn rearm(&mut self) {
        if self.event_idx && self.callbacks && !self.has_used() {
            self.write_event(0);
            // See `arm`.
            self.mem.barriers().mb();
        }
    }

    /// Updates the event after no used buffer was found: to none if callbacks are disabled,
    /// otherwise to one ahead. Returns whether there may be a used buffer now.
    #[inline]
    pub(super) fn settle(&mut self) -> bool {
        if !self.event_idx {
            return false;
        }
        if self.callbacks {
            return !self.is_armed() && self.arm(Arm::Next) == More::Pending;
        }
        // An event that was passed is two laps ahead at first, for which the device does not have
        // enough descriptors, and gets closer.
        if self.until_event > 0 || self.until_event <= -i64::from(self.size) {
            self.until_event = 0;
            self.mem.driver_event().write(EVENT_DISABLE);
        }
        false
    }

    /// Requests a callback for the descriptor that is `skipped` after the next one.
    #[inline]
    fn write_event(&mut self, skipped: u16) {
        self.until_event = i64::from(skipped).wrapping_add(1);
        let event = self.next_used.advanced(skipped, self.size).event();
        self.mem.driver_event().write(event);
    }

    /// Returns the number of descriptors that the device has.
    fn available(&self) -> u16 {
        let (from, to) = (self.next_used.slot(), self.next_published().slot());
        if self.published == self.popped {
            0
        } else if from < to {
            to.wrapping_sub(from)
        } else {
            // This is at most a lap, so the range includes the end of the ring.
            to.wrapping_add(self.size).wrapping_sub(from)
        }
    }
}
