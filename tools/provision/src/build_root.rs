// SPDX-License-Identifier: GPL-2.0

//! The build root.

use crate::{BwrapCommand, Context};
use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// A Debian trixie userland with the kernel's own compilers and QEMU.
pub struct BuildRoot {
    path: PathBuf,
}

impl BuildRoot {
    /// Finds the build root in the cache or makes it.
    pub fn ensure(_ctx: &Context) -> anyhow::Result<Self> {
        todo!()
    }

    /// Where it lies on the host.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A program of the build root, for example `qemu-system-x86_64`.
    pub fn command(&self, _program: impl AsRef<OsStr>) -> BwrapCommand {
        todo!()
    }

    /// Host path of the static busybox.
    pub fn busybox(&self) -> PathBuf {
        todo!()
    }
}
