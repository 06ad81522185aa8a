// SPDX-License-Identifier: GPL-2.0

//! The guest's userland.

use crate::{BuildRoot, Context, Kernel};
use std::path::PathBuf;

/// A Debian userland with test programs and one kernel's modules. Never changed after it is made.
#[derive(Debug, Clone)]
pub struct GuestImage {
    /// Raw ext4 file system (no partition table), label `rvirtio-root`: the base of overlays.
    pub disk: PathBuf,
    /// The same tree as a zstd-compressed cpio archive, for guests without a disk.
    pub ram: PathBuf,
}

impl GuestImage {
    /// Finds the image for `kernel` in the cache or makes it.
    pub fn ensure(_ctx: &Context, _root: &BuildRoot, _kernel: &Kernel) -> anyhow::Result<Self> {
        todo!()
    }
}
