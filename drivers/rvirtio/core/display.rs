// SPDX-License-Identifier: GPL-2.0

//! Printing values of types that only use `core`.

/// An adapter by which the kernel crate's printing macros, which have their own trait, print values
/// that implement [`core::fmt::Display`].
pub struct DisplayAdapter<T>(pub T);

impl<T: core::fmt::Display> kernel::fmt::Display for DisplayAdapter<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
