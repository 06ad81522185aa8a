// SPDX-License-Identifier: GPL-2.0

//! Buffers that can be added to a queue.

use crate::{
    dma::Buffer,
    ring::{
        Access,
        AddError,
        Segment, //
    }, //
};
use core::iter;

/// Memory that can be added to a queue.
///
/// Front ends do not implement this: they use existing types, such as [`In`], [`Out`] and the
/// requests of the block layer.
///
/// # Safety
///
/// From the call of a method of this trait until the value is dropped or used in another way:
///
/// - the device may access the segments at these addresses: read those of `readable`, and write
///   those of `writable`; functions that call another for each of them have the same ones;
/// - nothing else may access the memory of the writable segments, or write that of the readable
///   ones, except through cells that can be shared with a device;
/// - moving the value must not change any of this;
/// - the table, if there is one, must describe these segments, and only belong to this value.
pub unsafe trait Buffers: Send + Sized {
    /// Returns the segments that the device reads, in order.
    fn readable(&self) -> impl Iterator<Item = Segment>;

    /// Returns the segments that the device writes, in order.
    fn writable(&self) -> impl Iterator<Item = Segment>;

    /// Calls `each` for the segments of [`Buffers::readable`], in order.
    #[inline]
    fn for_each_readable(&self, each: impl FnMut(Segment)) {
        self.readable().for_each(each);
    }

    /// Calls `each` for the segments of [`Buffers::writable`], in order.
    #[inline]
    fn for_each_writable(&self, each: impl FnMut(Segment)) {
        self.writable().for_each(each);
    }

    /// Returns the segment, and who accesses it, if there is only one: the shortest way into a queue.
    /// May return `None` nevertheless.
    #[inline]
    fn single(&self) -> Option<(Segment, Access)> {
        None
    }

    /// Returns the same segments as [`Buffers::readable`], where there are only such, by the shortest
    /// way. May return `None` nevertheless.
    #[inline]
    fn only_readable(&self) -> Option<impl Iterator<Item = Segment>> {
        None::<iter::Empty<Segment>>
    }

    /// Returns a table of descriptors of these segments, filled and in memory that belongs to this
    /// buffer. With a table, the buffer only needs one descriptor of the queue.
    #[inline]
    fn table(&self) -> Option<FilledTable> {
        None
    }

    /// Called instead of returning the buffer if the device may use it forever, because it did not
    /// confirm its reset. Returns the value if it is sound to use and drop it nevertheless;
    /// otherwise its memory must not be freed.
    fn abandon(self) -> Option<Self> {
        core::mem::forget(self);
        None
    }
}

/// A buffer that the device has used.
pub struct Used<T> {
    /// The buffer.
    pub data: T,
    /// The number of bytes that the device has reported as written, from the start of the writable
    /// part, and at most the length of that. The rest of the buffer is unchanged.
    pub written: u32,
    /// Whether the device has reported more than that part has room for. What was written is not
    /// known then, so all of it may be old.
    pub overlong: bool,
}

/// A buffer that a queue has not accepted, and the reason.
pub struct Rejected<T> {
    /// The reason.
    pub error: AddError,
    /// The buffer.
    pub value: T,
}

/// A descriptor table that is filled; see [`Slot::fill`](super::slab::Slot::fill).
#[derive(Clone, Copy)]
pub struct FilledTable {
    /// The address of the table for the device, and its length.
    pub(crate) segment: Segment,
    /// The total length of the device-writable segments, in bytes.
    pub(crate) writable_len: u32,
}

/// A buffer that the device writes.
pub struct In<'bound>(pub Buffer<'bound>);

// SAFETY: The value owns the memory of the `Buffer`, which can only be accessed through it, and
// does not move with it.
unsafe impl Buffers for In<'_> {
    fn readable(&self) -> impl Iterator<Item = Segment> {
        iter::empty()
    }

    fn writable(&self) -> impl Iterator<Item = Segment> {
        iter::once(self.0.segment())
    }
}

/// A buffer of which the device reads the first bytes, and writes those after them.
pub struct InOut<'bound> {
    buffer: Buffer<'bound>,
    readable: u32,
    writable: u32,
}

impl<'bound> InOut<'bound> {
    /// Has the device read `readable` bytes, as far as there are so many, and then write `writable`.
    pub fn new(buffer: Buffer<'bound>, readable: u32, writable: u32) -> Self {
        let readable = readable.min(buffer.len());
        let writable = writable.min(buffer.len() - readable);
        Self {
            buffer,
            readable,
            writable,
        }
    }

    /// Returns the memory.
    pub fn into_buffer(self) -> Buffer<'bound> {
        self.buffer
    }
}

// SAFETY: The value owns the memory of the `Buffer`, which can only be accessed through it, and
// does not move with it. Both parts are inside it, and do not overlap.
unsafe impl Buffers for InOut<'_> {
    fn readable(&self) -> impl Iterator<Item = Segment> {
        let Segment { addr, .. } = self.buffer.segment();
        let len = self.readable;
        iter::once(Segment { addr, len }).filter(|segment| segment.len != 0)
    }

    fn writable(&self) -> impl Iterator<Item = Segment> {
        let addr = self.buffer.segment().addr + u64::from(self.readable);
        let len = self.writable;
        iter::once(Segment { addr, len }).filter(|segment| segment.len != 0)
    }
}

/// A buffer that the device reads.
pub struct Out<'bound>(pub Buffer<'bound>);

// SAFETY: The value owns the memory of the `Buffer`, which can only be accessed through it, and
// does not move with it.
unsafe impl Buffers for Out<'_> {
    fn readable(&self) -> impl Iterator<Item = Segment> {
        iter::once(self.0.segment())
    }

    fn writable(&self) -> impl Iterator<Item = Segment> {
        iter::empty()
    }
}
