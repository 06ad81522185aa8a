// SPDX-License-Identifier: GPL-2.0

//! The interface of a packed ring to its shared memory.

use crate::ring::{
    barriers::Barriers,
    cell::{
        Desc,
        Le32, //
    }, //
};

/// The three areas of a packed virtqueue, and the barriers between accesses to them.
///
/// Sizes and alignment of the areas are in
/// [`spec::ring::packed`](crate::spec::ring::packed).
///
/// An event suppression area has two 16-bit fields, the event position and the event flags. They
/// are one cell here, the position in its low half, so that both are read or written at once.
pub trait Memory {
    /// The barriers.
    type Barriers: Barriers;

    /// Returns the barriers between accesses to the areas.
    fn barriers(&self) -> &Self::Barriers;

    /// Returns the queue size in descriptors. It never changes.
    fn size(&self) -> u16;

    /// Returns a descriptor.
    ///
    /// It is only called with an `index` below [`size`](Memory::size). As the caller is safe code,
    /// an implementation has to be memory safe for any index, for example by returning the first
    /// descriptor instead of one that does not exist.
    fn desc(&self, index: u16) -> &Desc;

    /// Returns the driver event suppression structure (driver area).
    fn driver_event(&self) -> &Le32;

    /// Returns the device event suppression structure (device area).
    fn device_event(&self) -> &Le32;
}
