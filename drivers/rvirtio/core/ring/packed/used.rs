// SPDX-License-Identifier: GPL-2.0

//! Taking used buffers back, and deciding when the device should tell.

use super::{
    position,
    Memory,
    Position,
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
    spec::ring::packed::{
        EVENT_FLAG_DISABLE,
        EVENT_FLAG_ENABLE, //
    },
};
use core::ops::DerefMut;

const EVENT_DISABLE: u32 = position::event(0, EVENT_FLAG_DISABLE);
const EVENT_ENABLE: u32 = position::event(0, EVENT_FLAG_ENABLE);

impl<M: Memory, S: DerefMut<Target = [Shadow]>> Ring<M, S> {
    /// Returns the next buffer that the device has used, or `None` if there is none now.
    ///
    /// What this does for callbacks is described [for both layouts](crate::ring#callbacks). If it
    /// returns a buffer, it also has published what was added before.
    ///
    /// The `WRITE` flag of the used descriptor is ignored: it should say whether the length means
    /// anything, but QEMU never sets it. What was not writable was not written, whatever the
    /// length.
    ///
    /// # Errors
    ///
    /// What the device did, if it has broken the rules; all later calls return the same.
    #[doc(alias = "virtqueue_get_buf_ctx_packed")]
    #[inline]
    pub fn pop_used(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        if self.in_order {
            return self.pop_in_order();
        }
        if !self.look()? {
            return Ok(None);
        }
        let Report { id, len } = self.read_used()?;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        self.rearm();
        Ok(Some(UsedBuffer {
            token: Token(id),
            written: len.min(writable),
        }))
    }

    /// Returns whether there are used buffers that were not popped.
    #[doc(alias = "virtqueue_poll")]
    #[inline]
    pub fn more_used(&self) -> bool {
        self.state == State::Live && (self.batch.is_some() || self.next_is_used())
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
                self.write_event(EVENT_DISABLE);
            }
        }
    }

    /// Asks the device for a callback when it uses the next buffer, and returns whether there is
    /// a used buffer already.
    #[doc(alias = "virtqueue_enable_cb")]
    #[inline]
    pub fn enable_cb(&mut self) -> More {
        self.enable_at(self.next_used)
    }

    /// Asks the device for a callback when it has used three quarters of the descriptors that it
    /// has now, and returns whether there is a used buffer already.
    ///
    /// Without `EVENT_IDX` this is the same as [`enable_cb`](Self::enable_cb).
    #[doc(alias = "virtqueue_enable_cb_delayed")]
    pub fn enable_cb_delayed(&mut self) -> More {
        let end = self.pending.map_or(self.next_avail, |first| first.position);
        // CAST: at most the queue size.
        let available = self.next_used.distance_to(end, self.size) as u16;
        self.enable_at(self.next_used.advanced(available / 4 * 3, self.size))
    }

    /// Ends the use of the ring: from now on no buffer is taken and none is popped.
    ///
    /// That keeps nothing from the device.
    #[doc(alias = "__virtqueue_break")]
    pub fn stop(&mut self) {
        if self.state == State::Live {
            self.state = State::Stopped;
        }
    }

    /// Returns a buffer that was not popped, or `None` if there is none left. Stops the ring.
    ///
    /// Only when the device or the queue has been reset does the device no longer access the
    /// buffer: it is up to the caller not to hand out its memory before.
    #[doc(alias = "virtqueue_detach_unused_buf")]
    pub fn detach_unused(&mut self) -> Option<Token> {
        self.stop();
        while self.in_flight() != 0 && self.detach_cursor < self.size {
            let id = self.detach_cursor;
            // At most the queue size.
            self.detach_cursor = self.detach_cursor.wrapping_add(1);
            if self.release(id).is_some() {
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

    /// Returns the oldest buffer, if it is used.
    ///
    /// The device may write one used descriptor for a batch of buffers. It names the last one, and
    /// is where the first one's would be; the buffers before the last are used completely.
    #[doc(alias = "virtqueue_get_buf_ctx_packed_in_order")]
    fn pop_in_order(&mut self) -> Result<Option<UsedBuffer>, Violation> {
        let last = match self.batch {
            Some(last) if self.state == State::Live => {
                self.publish();
                last
            }
            _ => {
                if !self.look()? {
                    return Ok(None);
                }
                let available = self.published.wrapping_sub(self.popped);
                let last = self.read_used()?;
                // Ids follow each other, so that this is the number of buffers before the last.
                let before = match last.id.checked_sub(self.oldest) {
                    Some(before) => before,
                    None => last.id.wrapping_add(self.size).wrapping_sub(self.oldest),
                };
                if before >= available {
                    return Err(self.violation(Violation::UsedIdNotInFlight { id: last.id }));
                }
                last
            }
        };

        let id = self.oldest;
        let Some(writable) = self.release(id) else {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        };
        let written = if id == last.id {
            self.batch = None;
            last.len.min(writable)
        } else {
            self.batch = Some(last);
            writable
        };
        self.rearm();
        Ok(Some(UsedBuffer {
            token: Token(id),
            written,
        }))
    }

    /// Returns whether the next descriptor is used, so that [`read_used`](Self::read_used) can
    /// read it.
    #[inline]
    fn look(&mut self) -> Result<bool, Violation> {
        match self.state {
            State::Live => {}
            State::Stopped => return Ok(false),
            State::Broken(violation) => return Err(violation),
        }
        if !self.next_is_used() {
            self.clear_event();
            return Ok(false);
        }
        // Id and length must be read after the flags.
        self.mem.rmb();
        Ok(true)
    }

    /// Clears an event that is ahead, so that the device does not call, if callbacks are disabled.
    fn clear_event(&mut self) {
        if !self.event_idx || self.callbacks || self.event == EVENT_DISABLE {
            return;
        }
        // CAST: the position is the low half.
        let event = Position::from_bits(self.event as u16);
        if self.next_used.distance_to(event, self.size) < u32::from(self.size) {
            self.write_event(EVENT_DISABLE);
        }
    }

    /// Asks for a callback for the next buffer after one was popped, if callbacks are enabled and
    /// no further buffer is known to be used.
    #[inline]
    fn rearm(&mut self) {
        if self.event_idx && self.callbacks && self.batch.is_none() && !self.next_is_used() {
            self.write_event(self.next_used.event());
            // The event must be visible before the descriptor is read again: the device writes the
            // descriptor and then looks at the event, so that one of both sides sees the other's
            // store.
            self.mem.mb();
        }
    }

    #[inline]
    fn next_is_used(&self) -> bool {
        let meta = self.mem.desc(self.next_used.slot()).meta.read();
        self.next_used.is_used(meta)
    }

    /// Reads id and length of the next descriptor, which is used.
    #[inline]
    fn read_used(&mut self) -> Result<Report, Violation> {
        // Whatever the device names, it is something that was published.
        let available = self.published.wrapping_sub(self.popped);
        self.publish();

        let desc = self.mem.desc(self.next_used.slot());
        // CAST: the id is the low half; the flags were judged before.
        let (id, len) = (desc.meta.read() as u16, desc.len.read());
        if id >= self.size {
            return Err(self.violation(Violation::UsedIdRange {
                id: u32::from(id),
                size: self.size,
            }));
        }
        if available == 0 {
            return Err(self.violation(Violation::UsedIdNotInFlight { id }));
        }
        Ok(Report { id, len })
    }

    /// Frees the descriptors and the id of buffer `id` and returns the length of its writable
    /// part, or `None` if there is no such buffer.
    #[inline]
    fn release(&mut self, id: u16) -> Option<u32> {
        let entry = self.shadow.get_mut(usize::from(id))?;
        let (count, writable) = (entry.count, entry.writable);
        if count == 0 {
            return None;
        }
        entry.count = 0;
        // INVARIANT: One buffer less. In order, it is the oldest one. At most all descriptors are
        // free, so the addition does not wrap.
        if self.in_order {
            self.oldest = entry.next;
        } else {
            entry.next = self.free_id;
            self.free_id = id;
        }
        self.num_free = self.num_free.wrapping_add(count);
        self.next_used = self.next_used.advanced(count, self.size);
        self.popped = self.popped.wrapping_add(1);
        Some(writable)
    }

    /// Enables callbacks, with `EVENT_IDX` from `position` on.
    #[inline]
    fn enable_at(&mut self, position: Position) -> More {
        self.callbacks = true;
        let event = if self.event_idx {
            position.event()
        } else {
            EVENT_ENABLE
        };
        if self.event != event {
            self.write_event(event);
        }
        // The event must be visible before the descriptor is read: see `rearm`.
        self.mem.mb();
        if self.more_used() {
            More::Pending
        } else {
            More::Nothing
        }
    }

    #[inline]
    fn write_event(&mut self, event: u32) {
        self.event = event;
        self.mem.driver_event().write(event);
    }

    /// Marks the ring broken.
    #[cold]
    fn violation(&mut self, violation: Violation) -> Violation {
        self.state = State::Broken(violation);
        violation
    }
}
