// SPDX-License-Identifier: GPL-2.0

//! Configuration space, and windows into BARs.

/// The configuration space of a PCI function.
pub trait ConfigSpace {
    /// Reads 8 bits. Returns `None` if the function does not respond, or has no such offset.
    fn read_u8(&self, offset: u16) -> Option<u8>;

    /// Reads 16 bits at an even offset.
    fn read_u16(&self, offset: u16) -> Option<u16>;

    /// Reads 32 bits at an offset that is a multiple of 4.
    fn read_u32(&self, offset: u16) -> Option<u32>;

    /// Returns the length of memory BAR `bar` in bytes, or `None` if there is no such BAR, it is an
    /// I/O BAR, or it has no address.
    fn bar_len(&self, bar: u8) -> Option<u64>;
}

/// A part of a BAR. [`Layout::find`](super::Layout::find) only returns windows that are inside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The number of the BAR, 0 to 5.
    pub bar: u8,
    /// The offset from the start of the BAR in bytes.
    pub offset: u32,
    /// The length in bytes.
    pub length: u32,
}

impl Window {
    /// Returns the offset of the byte after the window.
    pub(super) fn end(self) -> u64 {
        u64::from(self.offset) + u64::from(self.length)
    }

    pub(super) fn overlaps(self, other: Self) -> bool {
        self.bar == other.bar
            && u64::from(self.offset) < other.end()
            && u64::from(other.offset) < self.end()
    }
}
