// SPDX-License-Identifier: GPL-2.0

//! The header that a device wants before each frame.

/// The first bytes of these little-endian words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TxHeader {
    /// The words.
    pub words: [u64; 3],
    /// The number of bytes.
    pub len: TxHeaderLen,
}

/// The length of a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TxHeaderLen {
    /// 12 bytes.
    L12 = 12,
    /// 20 bytes.
    L20 = 20,
    /// 24 bytes.
    L24 = 24,
}

impl TxHeader {
    /// Writes the header to `to`.
    ///
    /// # Safety
    ///
    /// `to` must be valid for writes of [`TxHeader::len`] bytes, which nothing else accesses.
    #[inline]
    pub(crate) unsafe fn write(&self, to: *mut u8) {
        let [first, second, third] = self.words.map(u64::to_le);
        let to = to.cast::<u64>();
        // SAFETY: In each case, the writes are of `len` bytes together, for which the caller has made
        // sure that `to` is valid. CAST: 4 of 8 bytes are left out, which are 0.
        unsafe {
            to.write_unaligned(first);
            match self.len {
                TxHeaderLen::L12 => to.add(1).cast::<u32>().write_unaligned(second as u32),
                TxHeaderLen::L20 => {
                    to.add(1).write_unaligned(second);
                    to.add(2).cast::<u32>().write_unaligned(third as u32);
                }
                TxHeaderLen::L24 => {
                    to.add(1).write_unaligned(second);
                    to.add(2).write_unaligned(third);
                }
            }
        }
    }
}
