// SPDX-License-Identifier: GPL-2.0

//! The memory of a split virtqueue, and what a device does with it.

use super::{
    cells,
    Cells,
    CellsError, //
};
use core::ops::Deref;
use rvirtio::ring::{
    cell::Le16,
    split::Memory,
    Barriers,
    Desc,
    UsedElem, //
};

/// The memory of a split virtqueue.
pub struct Area<B> {
    /// The descriptor table.
    pub desc: Cells<Desc>,
    /// `flags` of the available ring.
    pub avail_flags: Le16,
    /// `idx` of the available ring.
    pub avail_idx: Le16,
    /// The available ring.
    pub avail_ring: Cells<Le16>,
    /// `used_event`.
    pub used_event: Le16,
    /// `flags` of the used ring.
    pub used_flags: Le16,
    /// `idx` of the used ring.
    pub used_idx: Le16,
    /// The used ring.
    pub used_ring: Cells<UsedElem>,
    /// `avail_event`.
    pub avail_event: Le16,
    /// The driver's barriers.
    pub barriers: B,
}

impl<B: Default> Area<B> {
    /// Allocates the memory of a queue of `size` descriptors.
    ///
    /// # Errors
    ///
    /// If there is not enough.
    pub fn new(size: u16) -> Result<Self, CellsError> {
        Ok(Self {
            desc: cells(size)?,
            avail_flags: Le16::default(),
            avail_idx: Le16::default(),
            avail_ring: cells(size)?,
            used_event: Le16::default(),
            used_flags: Le16::default(),
            used_idx: Le16::default(),
            used_ring: cells(size)?,
            avail_event: Le16::default(),
            barriers: B::default(),
        })
    }
}

impl<B> Area<B> {
    /// Returns element `index` of the available ring, an index that counts on.
    pub fn avail(&self, index: u16) -> &Le16 {
        &self.avail_ring[usize::from(index) % self.avail_ring.len()]
    }

    /// Returns element `index` of the used ring, an index that counts on.
    pub fn used(&self, index: u16) -> &UsedElem {
        &self.used_ring[usize::from(index) % self.used_ring.len()]
    }

    /// Writes element `index` of the used ring, an index that counts on.
    pub fn write_used(&self, index: u16, id: u32, len: u32) {
        let elem = self.used(index);
        elem.id.write(id);
        elem.len.write(len);
    }
}

/// The driver's way to an [`Area`]: `P` is a pointer to it.
#[derive(Clone, Copy)]
pub struct Handle<P>(pub P);

impl<P: Deref> Deref for Handle<P> {
    type Target = P::Target;

    fn deref(&self) -> &P::Target {
        &self.0
    }
}

impl<P, B> Memory for Handle<P>
where
    P: Deref<Target = Area<B>>,
    B: Barriers + 'static,
{
    type Barriers = B;

    fn barriers(&self) -> &B {
        &self.0.barriers
    }

    fn size(&self) -> u16 {
        self.0.desc.len() as u16
    }

    fn desc(&self, index: u16) -> &Desc {
        &self.0.desc[usize::from(index)]
    }

    fn avail_flags(&self) -> &Le16 {
        &self.0.avail_flags
    }

    fn avail_idx(&self) -> &Le16 {
        &self.0.avail_idx
    }

    fn avail_ring(&self, index: u16) -> &Le16 {
        self.0.avail(index)
    }

    fn used_event(&self) -> &Le16 {
        &self.0.used_event
    }

    fn used_flags(&self) -> &Le16 {
        &self.0.used_flags
    }

    fn used_idx(&self) -> &Le16 {
        &self.0.used_idx
    }

    fn used_ring(&self, index: u16) -> &UsedElem {
        self.0.used(index)
    }

    fn avail_event(&self) -> &Le16 {
        &self.0.avail_event
    }
}
