// SPDX-License-Identifier: GPL-2.0

//! Rings to be exchanged for that of a queue.

use super::{
    buffers::Buffers,
    create::Parts,
    place::Place, //
};
use crate::spec::feature;
use kernel::prelude::*;

/// A ring that no queue has, and that the device does not know.
pub struct SpareRing<'bound, T: Buffers> {
    pub(super) place: Place<'bound>,
    pub(super) parts: Parts<'bound, T>,
    /// It was not used before.
    pub(super) fresh: bool,
}

impl<'bound> Place<'bound> {
    /// Allocates another ring of `size` descriptors for this place, to be exchanged for that of the
    /// queue by [`Start::enable_with`]. May sleep.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] for a size that is larger than [`Place::max_size`] or, in a split ring, not a
    /// power of two, and [`ENOMEM`].
    pub fn ring<T: Buffers>(&self, size: u16) -> Result<SpareRing<'bound, T>> {
        let possible = self.features.contains(feature::RING_PACKED) || size.is_power_of_two();
        if size == 0 || size > self.max_size() || !possible {
            return Err(EINVAL);
        }
        Ok(SpareRing {
            place: *self,
            parts: Parts::new(self, size, size)?,
            fresh: true,
        })
    }
}
