// SPDX-License-Identifier: GPL-2.0

//! Cells of memory that is shared by driver and device.
//!
//! All shared memory is accessed through little-endian integers, which are implemented by atomics.
//! The device can write at any time, even in violation of the specification. So plain references
//! would be unsound, and the compiler could tear or repeat plain loads: a value could change
//! between its check and its use. A relaxed atomic load or store is one machine access, costs as
//! much as a plain one, and allows a `&` to a cell to exist while the device writes it. Accesses to
//! different cells are only ordered by [`Barriers`](super::Barriers).

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
/// `flags`, `next`; packed: `id`, `flags`. They are one cell, so that one store writes both.
///
/// The memory of a descriptor table has to be aligned to 16 bytes.
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
