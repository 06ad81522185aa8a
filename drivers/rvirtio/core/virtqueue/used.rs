// SPDX-License-Identifier: GPL-2.0

//! Used buffers that are still in their place.

use super::{
    buffers::Buffers,
    queue::Virtqueue, //
};
use crate::ring::Token;

/// A buffer that the device has used, and that is still in its place; see
/// [`Virtqueue::peek`].
///
/// If it is dropped, the next `peek` returns the buffer again.
pub struct Peeked<'a, 'bound, T: Buffers> {
    vq: &'a mut Virtqueue<'bound, T>,
    token: Token,
    /// See [`Used::written`](super::Used::written).
    pub written: u32,
    /// See [`Used::overlong`](super::Used::overlong).
    pub overlong: bool,
}

impl<'bound, T: Buffers> Virtqueue<'bound, T> {
    /// Returns a buffer that the device has used, without moving it. `None` as for
    /// [`pop_used`](Virtqueue::pop_used).
    ///
    /// Callbacks stay as they are: if the device was asked for one that is due with this buffer, it
    /// has to be asked again, by [`Virtqueue::arm`].
    #[inline(always)]
    pub fn peek(&mut self) -> Option<Peeked<'_, 'bound, T>> {
        match self.parts.ring.peek() {
            Ok(used) => {
                let used = used?;
                Some(Peeked {
                    vq: self,
                    token: used.token,
                    written: used.written,
                    overlong: used.overlong,
                })
            }
            Err(violation) => {
                self.handle.report(&mut self.reported, violation);
                None
            }
        }
    }
}

impl<T: Buffers> Peeked<'_, '_, T> {
    /// Returns the buffer. This is never `None`: the ring has checked that there is one.
    #[inline(always)]
    pub fn data(&self) -> Option<&T> {
        self.vq.parts.get(self.token)
    }

    /// Takes the buffer back. This is never `None` either.
    #[inline(always)]
    pub fn take(mut self) -> Option<T> {
        self.take_data()
    }

    #[inline(always)]
    fn take_data(&mut self) -> Option<T> {
        let parts = &mut *self.vq.parts;
        parts.ring.take(self.token);
        parts.take(self.token)
    }

    /// Adds the buffer again, as it is. It is dropped if the queue takes no buffers.
    #[inline(always)]
    pub fn again(self) {
        let vq = &mut *self.vq;
        if vq.handle.device().life().takes_buffers(vq.epoch) {
            if let Some((segment, access)) = vq.parts.get(self.token).and_then(T::single) {
                if vq.parts.ring.again(self.token, segment, access) {
                    return;
                }
            }
        }
        self.move_again();
    }

    #[cold]
    fn move_again(mut self) {
        if let Some(data) = self.take_data() {
            let _ = self.vq.add(data);
        }
    }
}
