// SPDX-License-Identifier: GPL-2.0

//! What can be given to a device.

use crate::{
    dma::Buffer,
    ring::Segment,
    spec::ring::DESC_SIZE, //
};
use core::iter;

/// Memory that a queue can give to a device.
///
/// Front ends do not implement this: they use what the library offers, such as [`In`], [`Out`]
/// and the requests of the block layer.
///
/// # Safety
///
/// From when a method of this trait is called until the value is dropped or used in another way:
///
/// - the segments must be memory that the device may read, respectively write, at these
///   addresses;
/// - nothing else may access the memory of the writable segments, nor write that of the readable
///   ones, other than through cells that are made for being shared with a device;
/// - moving the value must not change any of this;
/// - the table, if there is one, must be of these segments and belong to this value alone.
pub unsafe trait Buffers: Send + Sized {
    /// Returns what the device reads, in order.
    fn readable(&self) -> impl Iterator<Item = Segment>;

    /// Returns what the device writes, in order.
    fn writable(&self) -> impl Iterator<Item = Segment>;

    /// Returns how many segments there are, of both kinds together.
    #[inline]
    fn count(&self) -> u16 {
        let count = match self.table() {
            // It was counted when the table was filled.
            Some(table) => (table.segment.len / DESC_SIZE) as usize,
            None => self.readable().count() + self.writable().count(),
        };
        // A queue takes less anyway.
        count.try_into().unwrap_or(u16::MAX)
    }

    /// Returns a table of descriptors of these segments, filled and in memory that belongs to this
    /// buffer. With it the buffer takes up only one descriptor of the queue.
    #[inline]
    fn table(&self) -> Option<FilledTable> {
        None
    }

    /// Called in place of giving the buffer back when the device may go on using it forever, as it
    /// did not confirm its reset. Returns the value if it is sound to use and drop it nevertheless;
    /// otherwise its memory must stay where it is.
    fn abandon(self) -> Option<Self> {
        core::mem::forget(self);
        None
    }
}

/// A table of descriptors that is filled; see [`Slot::fill`](super::slab::Slot::fill).
#[derive(Clone, Copy)]
pub struct FilledTable {
    /// Where the device finds it.
    pub(crate) segment: Segment,
    /// The length of all that the device may write, in bytes.
    pub(crate) writable_len: u32,
}

/// A buffer that the device writes.
pub struct In<'bound>(pub Buffer<'bound>);

// SAFETY: The value owns the memory, and lets nobody access it while it is borrowed by a queue.
unsafe impl Buffers for In<'_> {
    fn readable(&self) -> impl Iterator<Item = Segment> {
        iter::empty()
    }

    fn writable(&self) -> impl Iterator<Item = Segment> {
        iter::once(self.0.segment())
    }
}

/// A buffer that the device reads.
pub struct Out<'bound>(pub Buffer<'bound>);

// SAFETY: As for `In`.
unsafe impl Buffers for Out<'_> {
    fn readable(&self) -> impl Iterator<Item = Segment> {
        iter::once(self.0.segment())
    }

    fn writable(&self) -> impl Iterator<Item = Segment> {
        iter::empty()
    }
}
