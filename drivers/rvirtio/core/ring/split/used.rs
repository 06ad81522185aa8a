// SPDX-License-Identifier: GPL-2.0

//! Taking used buffers back, and deciding when the device should tell.

use super::{
    Memory,
    Ring, //
};
use crate::{
    ring::{
        More,
        Report,
        Shadow,
        State,
        Token,
        UsedBuffer,
        Violation, //
    },
    spec::ring::split::AVAIL_F_NO_INTERRUPT,
};
use core::ops::DerefMut;

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Returns the next buffer that the device has used, or `None` if there is none now.
    ///
    /// What this does for callbacks is described [for both layouts](crate::ring#callbacks). If it
    /// returns a buffer, it also has published what was added before.
    ///
    /// # Errors
    ///
    /// What the device did, if it has broken the rules; all later calls return the same.
    #[doc(alias = "virtqueue_get_buf_ctx_split")]
    #[inline]
    pub fn pop_used(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        if self.last_used == self.used_seen && !self.look()? {
            return Ok(None);
        }

        if self.in_order {
            return self.pop_in_order();
        }
        let Report { id, len } = self.read_used()?;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        self.advance();
        Ok(Some(UsedBuffer {
            token: Token(id),
            written: len.min(writable),
        }))
    }

    /// Returns whether there are used buffers that were not popped.
    #[doc(alias = "virtqueue_poll")]
    #[inline]
    pub fn more_used(&self) -> bool {
        self.last_used != self.used_seen
            || self.state == State::Live && self.mem.used_idx().read() != self.last_used
    }

    /// Asks the device for no callbacks.
    ///
    /// That is no more than a hint, the device may call all the same. With `EVENT_IDX` the device
    /// stops calling by itself once it has called, so nothing is written here, but only by a
    /// [`pop_used`](Self::pop_used) that finds nothing while the device would still call.
    #[doc(alias = "virtqueue_disable_cb")]
    #[inline]
    pub fn disable_cb(&mut self) {
        if self.callbacks {
            self.callbacks = false;
            if !self.event_idx {
                self.mem.avail_flags().write(AVAIL_F_NO_INTERRUPT);
            }
        }
    }

    /// Asks the device for a callback when it uses the next buffer, and returns whether there is
    /// a used buffer already.
    #[doc(alias = "virtqueue_enable_cb")]
    #[inline]
    pub fn enable_cb(&mut self) -> More {
        self.enable_after(0)
    }

    /// Asks the device for a callback when it has used three quarters of the buffers that it has
    /// now, and returns whether it has used as many already.
    ///
    /// Without `EVENT_IDX` this is the same as [`enable_cb`](Self::enable_cb).
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    pub fn enable_cb_delayed(&mut self) -> More {
        let available = self.published.wrapping_sub(self.last_used);
        // At most 32768 buffers are available, so this does not overflow.
        self.enable_after(if self.event_idx { available / 4 * 3 } else { 0 })
    }

    /// Ends the use of the ring: from now on no buffer is taken and none is popped.
    ///
    /// That keeps nothing from the device.
    #[doc(alias = "__virtqueue_break")]
    pub fn stop(&mut self) {
        if self.state == State::Live {
            self.state = State::Stopped;
        }
        // What was seen and not popped is left to `detach_unused`.
        self.used_seen = self.last_used;
    }

    /// Returns a buffer that was not popped, or `None` if there is none left. Stops the ring.
    ///
    /// Only when the device or the queue has been reset does the device no longer access the
    /// buffer: it is up to the caller not to hand out its memory before.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self) -> Option<Token> {
        self.stop();
        while self.in_flight() != 0 && self.detach_cursor <= self.mask {
            let id = self.detach_cursor;
            // At most the queue size.
            self.detach_cursor = self.detach_cursor.wrapping_add(1);
            if self.release(id).is_some() {
                // INVARIANT: One buffer less. No element of the used ring is skipped by this,
                // as a stopped ring reads none.
                self.last_used = self.last_used.wrapping_add(1);
                self.used_seen = self.last_used;
                return Some(Token(id));
            }
        }
        None
    }

    /// Returns the violation that has broken the ring, if one has.
    pub fn broken(&self) -> Option<Violation> {
        match self.state {
            State::Broken(violation) => Some(violation),
            State::Live | State::Stopped => None,
        }
    }

    /// Reads `used.idx` after all known used buffers were taken, and returns whether it has moved.
    fn look(&mut self) -> Result<bool, Violation> {
        match self.state {
            State::Live => {}
            State::Stopped => return Ok(false),
            State::Broken(violation) => return Err(violation),
        }

        let used_idx = self.mem.used_idx().read();
        let used = used_idx.wrapping_sub(self.last_used);
        if used == 0 {
            // The device would still call for the next buffer: take the wish back.
            if self.event_idx && !self.callbacks && self.event_ahead(used_idx) {
                self.used_event = self.last_used.wrapping_sub(1);
                self.mem.used_event().write(self.used_event);
            }
            return Ok(false);
        }
        let available = self.published.wrapping_sub(self.last_used);
        if used > available {
            return Err(self.violation(Violation::UsedIndex {
                used_idx,
                last_used: self.last_used,
                available,
            }));
        }
        // Elements of the used ring must be read after the index that covers them.
        self.mem.rmb();
        // INVARIANT: Between `last_used` and `published`.
        self.used_seen = used_idx;
        Ok(true)
    }

    /// Reads the next element of the used ring.
    #[inline]
    pub(super) fn read_used(&mut self) -> Result<Report, Violation> {
        // Whatever the device names, it is something that was published.
        self.publish();

        let elem = self.mem.used_ring(self.last_used & self.mask);
        let (id, len) = (elem.id.read(), elem.len.read());
        if id > u32::from(self.mask) {
            return Err(self.violation(Violation::UsedIdRange {
                id,
                size: self.size(),
            }));
        }
        // CAST: at most the mask.
        let id = id as u16;
        Ok(Report { id, len })
    }

    /// Goes on behind a buffer that was released.
    #[inline]
    pub(super) fn advance(&mut self) {
        // INVARIANT: One buffer less, and not past `used_seen`, which is ahead.
        self.last_used = self.last_used.wrapping_add(1);

        // Once the batch that is known is taken, ask for a callback for whatever comes after. The
        // next call reads `used.idx` again, so that nothing is missed that came before the device
        // has seen the wish.
        if self.last_used == self.used_seen && self.event_idx && self.callbacks {
            self.want_event(self.last_used);
        }
    }

    /// Returns the descriptors of buffer `id` to the free list and the length of its writable
    /// part, or `None` if there is no such buffer.
    #[inline]
    pub(super) fn release(&mut self, id: u16) -> Option<u32> {
        let free_head = self.free_head;
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        // INVARIANT: In order, the buffer is the one after the free list, which grows by it.
        // Otherwise its chain goes in front of the free list.
        if self.in_order {
            self.num_free = self.num_free.wrapping_add(count);
            return Some(writable);
        }
        if count == 1 {
            entry.next = free_head;
        } else {
            let mut last = id;
            for _ in 1..count {
                last = self.shadow.get(usize::from(last))?.next;
            }
            self.shadow.get_mut(usize::from(last))?.next = free_head;
        }
        self.free_head = id;
        // At most all are free, so this does not wrap.
        self.num_free = self.num_free.wrapping_add(count);
        Some(writable)
    }

    /// Enables callbacks after `skip` more used buffers.
    #[inline]
    fn enable_after(&mut self, skip: u16) -> More {
        if self.event_idx {
            self.callbacks = true;
            self.want_event(self.last_used.wrapping_add(skip));
        } else {
            if !self.callbacks {
                self.callbacks = true;
                self.mem.avail_flags().write(0);
            }
            self.mem.mb();
        }
        // A stopped or broken ring has nothing to pop.
        if self.state != State::Live {
            return More::Nothing;
        }
        let used = self.mem.used_idx().read().wrapping_sub(self.last_used);
        if used > skip {
            More::Pending
        } else {
            More::Nothing
        }
    }

    /// Asks for a callback when the used index moves past `event`.
    #[inline]
    fn want_event(&mut self, event: u16) {
        self.used_event = event;
        self.mem.used_event().write(event);
        // The wish must be visible before `used.idx` is read again: the device writes the index
        // and then looks at the wish, so that one of both sides sees the other's store.
        self.mem.mb();
    }

    /// Returns whether the device would call when the used index moves on from `used_idx`.
    fn event_ahead(&self, used_idx: u16) -> bool {
        // The event is at most a queue size ahead; one that is passed is behind, which is far
        // ahead as the indices wrap.
        self.used_event.wrapping_sub(used_idx) <= self.mask
    }

    /// Marks the ring broken.
    #[cold]
    pub(super) fn violation(&mut self, violation: Violation) -> Violation {
        self.state = State::Broken(violation);
        self.used_seen = self.last_used;
        violation
    }
}
