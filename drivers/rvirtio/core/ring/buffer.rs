// SPDX-License-Identifier: GPL-2.0

//! How buffers are named, and what the driver remembers of them.

/// What the driver remembers about one descriptor, out of the device's reach.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shadow {
    /// The length of the writable part of the buffer that starts here, in bytes.
    pub(super) writable: u32,
    /// The next descriptor of the free list or of the buffer.
    pub(super) next: u16,
    /// The number of descriptors of the buffer that starts here, 0 if none does.
    pub(super) count: u16,
}

/// A buffer that the ring holds: the device may use it, now or after the next publication.
///
/// Tokens of buffers that are in a ring at the same time differ, and their
/// [`index`](Token::index) is below the queue size, so it can serve as the index of a table of
/// what belongs to the buffers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token(pub(super) u16);

impl Token {
    /// Returns a number below the queue size that no other buffer in the ring has.
    #[inline]
    pub const fn index(self) -> u16 {
        self.0
    }
}

/// A buffer that the device has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedBuffer {
    /// Which buffer it is.
    pub token: Token,
    /// How many bytes the device says it has written, from the start of the writable part.
    ///
    /// At most the length of that part. Bytes beyond are not initialised by the device. With
    /// `IN_ORDER` a device need not say it for every buffer; this is the whole length then.
    pub written: u32,
}

/// A used buffer as the device reports it: the last one of a batch, with `IN_ORDER`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    /// A valid index of a shadow entry.
    pub(super) id: u16,
    /// The number of bytes written; not checked.
    pub(super) len: u32,
}
