// SPDX-License-Identifier: GPL-2.0

//! Cells of memory that driver and device share.
//!
//! All shared memory is accessed through little-endian integers that are atomics inside. The
//! device writes whenever it likes, also against the rules, so plain references would be unsound
//! and plain loads could be torn or repeated by the compiler: a value could change between its
//! check and its use. A relaxed atomic load or store is one machine access, costs no more than a
//! plain one, and lets a `&` to a cell exist while the device writes it. Order between cells comes
//! from [`Barriers`](super::Barriers) alone.

use crate::atomic::{
    AtomicU16,
    AtomicU32,
    AtomicU64,
    Ordering::Relaxed, //
};

macro_rules! little_endian {
    ($(#[$meta:meta])* $name:ident, $atomic:ident, $int:ident) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        #[repr(transparent)]
        pub struct $name($atomic);

        impl $name {
            /// Returns the value, read from memory exactly once.
            #[inline]
            pub fn read(&self) -> $int {
                $int::from_le(self.0.load(Relaxed))
            }

            /// Writes `value` to memory exactly once.
            #[inline]
            pub fn write(&self, value: $int) {
                self.0.store(value.to_le(), Relaxed);
            }
        }
    };
}

little_endian! {
    /// A little-endian 16-bit integer in shared memory.
    #[doc(alias = "__virtio16")]
    Le16, AtomicU16, u16
}
little_endian! {
    /// A little-endian 32-bit integer in shared memory.
    #[doc(alias = "__virtio32")]
    Le32, AtomicU32, u32
}
little_endian! {
    /// A little-endian 64-bit integer in shared memory.
    #[doc(alias = "__virtio64")]
    Le64, AtomicU64, u64
}

/// A descriptor, of either layout, in a ring or in an indirect table.
///
/// The last four bytes are two 16-bit fields whose meaning and order depend on the layout, split:
/// `flags`, `next`; packed: `id`, `flags`. They are one cell so that they are written by one store.
///
/// A descriptor table has to be aligned to 16 bytes, which is up to who allocates it.
#[doc(alias = "vring_desc")]
#[doc(alias = "vring_packed_desc")]
#[derive(Debug, Default)]
#[repr(C)]
pub struct Desc {
    /// Address of the element.
    pub addr: Le64,
    /// Length of the element in bytes.
    pub len: Le32,
    /// The two 16-bit fields, the first in the low half.
    pub meta: Le32,
}

/// An element of the used ring of a split virtqueue.
#[doc(alias = "vring_used_elem")]
#[derive(Debug, Default)]
#[repr(C)]
pub struct UsedElem {
    /// The head descriptor of the used buffer.
    pub id: Le32,
    /// The number of bytes written.
    pub len: Le32,
}
