// SPDX-License-Identifier: GPL-2.0

//! The interface of a split ring to its shared memory.

use crate::ring::{
    barriers::Barriers,
    cell::{
        Desc,
        Le16,
        UsedElem, //
    }, //
};

/// The three areas of a split virtqueue, and the barriers between accesses to them.
///
/// Offsets, sizes and alignment of the areas are in [`spec::ring::split`](crate::spec::ring::split).
///
/// [`desc`](Memory::desc) is only called with an index below [`size`](Memory::size). As the caller is
/// safe code, an implementation has to be memory safe for any index, for example by masking it. Which
/// cell it then returns does not matter. The indices of ring elements count on, so that they have to
/// be taken modulo the size, a power of two.
pub trait Memory {
    /// The barriers.
    type Barriers: Barriers;

    /// Returns the barriers between accesses to the areas.
    fn barriers(&self) -> &Self::Barriers;

    /// Returns the queue size in descriptors. It never changes.
    fn size(&self) -> u16;

    /// Returns a descriptor.
    fn desc(&self, index: u16) -> &Desc;

    /// Returns `flags` of the available ring.
    fn avail_flags(&self) -> &Le16;

    /// Returns `idx` of the available ring.
    fn avail_idx(&self) -> &Le16;

    /// Returns the element of the available ring for an index that counts on.
    fn avail_ring(&self, index: u16) -> &Le16;

    /// Returns `used_event`, at the end of the available ring.
    fn used_event(&self) -> &Le16;

    /// Returns `flags` of the used ring.
    fn used_flags(&self) -> &Le16;

    /// Returns `idx` of the used ring.
    fn used_idx(&self) -> &Le16;

    /// Returns the element of the used ring for an index that counts on.
    fn used_ring(&self, index: u16) -> &UsedElem;

    /// Returns `avail_event`, at the end of the used ring.
    fn avail_event(&self) -> &Le16;
}
