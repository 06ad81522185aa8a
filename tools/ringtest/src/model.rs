// SPDX-License-Identifier: GPL-2.0

//! The other side of the rings: shared memory, and devices written from the specification.
//!
//! The devices know nothing of the driver's code. They follow virtio 1.4 sections 2.7 and 2.8 as a
//! device would, and check everything that the driver does against its requirements there; a
//! [`Breach`] names the requirement.

pub mod barriers;
pub mod device;
pub mod packed;
pub mod split;

/// The memory of the rings, as the KUnit tests have it too.
#[path = "../../../drivers/rvirtio/kunit/model"]
mod memory {
    #[path = "packed.rs"]
    pub(super) mod packed;
    #[path = "split.rs"]
    pub(super) mod split;

    /// An array of cells.
    pub(crate) type Cells<T> = Vec<T>;

    /// Returns `count` cells.
    pub(crate) fn cells<T: Default>(count: u16) -> Result<Cells<T>, CellsError> {
        Ok((0..count).map(|_| T::default()).collect())
    }

    /// Why there are no cells.
    pub(crate) type CellsError = std::convert::Infallible;
}

/// A requirement that the driver did not meet: its id and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach(pub String);

/// Returns a [`Breach`] of requirement `id` unless `met`.
pub(crate) fn require(met: bool, id: &str, what: impl FnOnce() -> String) -> Result<(), Breach> {
    if met {
        Ok(())
    } else {
        Err(Breach(format!("{id}: {}", what())))
    }
}
