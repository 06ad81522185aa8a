// SPDX-License-Identifier: GPL-2.0

//! Tokens of buffers, and the driver's own data about descriptors.

use super::config::SetupError;

/// The driver's own data about a descriptor, which the device cannot access.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shadow {
    /// The length of the writable part of the buffer that starts here, in bytes. In a split ring, the
    /// second descriptor of a buffer has its last one here, so that freeing a buffer takes no walk.
    pub(super) writable: u32,
    /// The next descriptor of the free list or of the buffer.
    pub(super) next: u16,
    /// The number of descriptors of the buffer that starts here, 0 if none does.
    pub(super) count: u16,
}

impl Shadow {
    /// Returns the last descriptor of the buffer whose second one this is.
    #[inline]
    pub(super) fn last(&self) -> u16 {
        // CAST: It was one before.
        self.writable as u16
    }

    /// Sets the last descriptor of the buffer whose second one this is.
    #[inline]
    pub(super) fn set_last(&mut self, last: u16) {
        self.writable = last.into();
    }

    /// Links the first `size` of the `entries` to a free list that ends where it starts.
    pub(super) fn link(entries: &mut [Self], size: u16) -> Result<(), SetupError> {
        let entries = entries
            .get_mut(..usize::from(size))
            .ok_or(SetupError::ShadowTooSmall)?;
        for (entry, next) in entries.iter_mut().zip((1..size).chain([0])) {
            *entry = Self {
                next,
                ..Self::default()
            };
        }
        Ok(())
    }
}

/// The token of a buffer in the ring, which the device may use, now or after the next publication.
///
/// Tokens of buffers that are in a ring at the same time differ, and their [`index`](Token::index)
/// is below the queue size, so it can be used as an index into a table of the caller's data for
/// buffers.
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
// Larger than two registers: a smaller one that a function returns, even if that is inlined, is packed
// into them, and unpacked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(16))]
pub struct UsedBuffer {
    /// The token of the buffer.
    pub token: Token,
    /// The number of bytes that the device reports to have written, from the start of the writable
    /// part.
    ///
    /// This is at most the length of that part. The device has not initialised the bytes after
    /// these. With `IN_ORDER`, a device need not report the number for every buffer; otherwise this
    /// is the length of the part.
    pub written: u32,
    /// Whether the device reports more than that part has room for, so that it is not known how
    /// much of it was written.
    pub overlong: bool,
}

impl UsedBuffer {
    /// Returns the buffer with `token`, whose writable part has `writable` bytes, of which the
    /// device reports `reported` to be written.
    #[inline]
    pub(super) fn new(token: Token, reported: u32, writable: u32) -> Self {
        Self {
            token,
            written: reported.min(writable),
            overlong: reported > writable,
        }
    }
}

/// The report of the device about a used buffer; with `IN_ORDER` about the last one of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Report {
    /// A valid index of a shadow entry.
    pub(super) id: u16,
    /// The number of bytes written; not checked.
    pub(super) len: u32,
}

impl Report {
    /// Returns the buffer that this is about, or `None` if there is no such buffer.
    #[inline(always)]
    pub(super) fn buffer(self, shadow: &[Shadow]) -> Option<UsedBuffer> {
        let Shadow {
            writable, count, ..
        } = *shadow.get(usize::from(self.id))?;
        (count != 0).then(|| UsedBuffer::new(Token(self.id), self.len, writable))
    }

    /// Returns the report about the buffer `id` of the batch whose last one this is about: those before
    /// that are completely used.
    #[inline]
    pub(super) fn of_batch(self, id: u16, shadow: &[Shadow]) -> Self {
        if id == self.id {
            return self;
        }
        let len = shadow
            .get(usize::from(id))
            .map_or(0, |entry| entry.writable);
        Self { id, len }
    }
}
