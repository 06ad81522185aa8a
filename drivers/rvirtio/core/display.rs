// SPDX-License-Identifier: GPL-2.0

//! Values of the layers that use only `core`, for the kernel's log.

/// Wraps what implements `core`'s [`Display`](core::fmt::Display), so that the kernel crate's
/// printing macros, which have a trait of their own, take it.
pub struct Log<T>(pub T);

impl<T: core::fmt::Display> kernel::fmt::Display for Log<T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.0.fmt(f)
    }
}
