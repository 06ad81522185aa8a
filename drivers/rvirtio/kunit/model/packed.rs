// SPDX-License-Identifier: GPL-2.0

//! The memory of a packed virtqueue, and what a device does with it.

use super::{
    cells,
    Cells,
    CellsError, //
};
use core::ops::Deref;
use rvirtio::{
    ring::{
        cell::Le32,
        packed::Memory,
        Barriers,
        Desc, //
    },
    spec::ring::packed::{
        DESC_F_AVAIL,
        DESC_F_USED, //
    },
};

/// The memory of a packed virtqueue.
pub struct Area<B> {
    /// The descriptor ring.
    pub desc: Cells<Desc>,
    /// The driver event suppression structure.
    pub driver_event: Le32,
    /// The device event suppression structure.
    pub device_event: Le32,
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
            driver_event: Le32::default(),
            device_event: Le32::default(),
            barriers: B::default(),
        })
    }
}

impl<B> Area<B> {
    /// Returns the descriptor at `place`.
    pub fn at(&self, place: Place) -> &Desc {
        &self.desc[usize::from(place.slot)]
    }

    /// Writes the used descriptor at `place`. `flags` are those beside the two that make it used.
    pub fn write_used(&self, place: Place, id: u16, len: u32, flags: u16) {
        let mark = if place.wrap {
            DESC_F_AVAIL | DESC_F_USED
        } else {
            0
        };
        let desc = self.at(place);
        desc.len.write(len);
        desc.meta
            .write(u32::from(id) | (u32::from(mark | flags) << 16));
    }

    /// Returns the number of descriptors.
    pub fn size(&self) -> u16 {
        self.desc.len() as u16
    }
}

/// A place in the ring, and the wrap counter there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of the descriptor.
    pub slot: u16,
    /// Whether the wrap counter is 1.
    pub wrap: bool,
}

impl Place {
    /// Where both sides start.
    pub const START: Self = Self {
        slot: 0,
        wrap: true,
    };

    /// Returns the next place in a ring of `size`.
    pub fn next(self, size: u16) -> Self {
        if self.slot + 1 == size {
            Self {
                slot: 0,
                wrap: !self.wrap,
            }
        } else {
            Self {
                slot: self.slot + 1,
                ..self
            }
        }
    }

    /// Returns the place `count` further on.
    pub fn after(self, count: u32, size: u16) -> Self {
        (0..count).fold(self, |place, _| place.next(size))
    }

    /// Returns whether a descriptor here is available that has these flags.
    pub fn is_available(self, flags: u16) -> bool {
        (flags & DESC_F_AVAIL != 0) == self.wrap && (flags & DESC_F_USED != 0) != self.wrap
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
        self.0.size()
    }

    fn desc(&self, index: u16) -> &Desc {
        &self.0.desc[usize::from(index)]
    }

    fn driver_event(&self) -> &Le32 {
        &self.0.driver_event
    }

    fn device_event(&self) -> &Le32 {
        &self.0.device_event
    }
}
