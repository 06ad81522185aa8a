// SPDX-License-Identifier: GPL-2.0

//! Kernels that can be booted and that modules can be built for.

mod archive;
mod builtin;
mod choice;
mod config;
mod debug;
mod headers;
mod local;
mod own;
mod stock;

pub(crate) use headers::Headers;

use crate::{
    BuildRoot, Context,
    rust_metadata::{KDIR, PROJECT},
};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A kernel that can be booted and that modules can be built for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// As `uname -r` says, for example `7.3.4+deb13-cloud-amd64`.
    pub release: String,
    /// Host path of the bootable image.
    pub vmlinuz: PathBuf,
    /// Host path of `lib/modules/RELEASE`, with `modules.dep`.
    pub modules_dir: PathBuf,
    /// Headers or build tree, ready for `make -C`; to be bound at the same path inside the build root.
    pub kdir: PathBuf,
    /// Variables that make needs besides `M=` (which compiler).
    pub make_args: Vec<String>,
    /// Names this kernel among those of the cache, whatever it was last made from.
    pub(crate) name: String,
    /// Changes with what it was made from: part of the key of what is made for this one.
    pub id: String,
}

impl Kernel {
    /// Releases of Debian's own kernels that can be had, oldest first.
    pub fn releases(root: &BuildRoot) -> Result<Vec<String>> {
        stock::releases(root)
    }

    /// Debian's own kernel: the newest 7.3 cloud kernel, or what `kver` names: a release
    /// (`7.3.4+deb13-amd64`) or a flavour (`cloud`, `generic`) whose newest is taken.
    ///
    /// # Errors
    ///
    /// For an unknown kernel, with a list of those that there are; when the archive has no source
    /// of the same version; when the regenerated Rust metadata is not the kernel's own.
    pub fn stock(ctx: &Context, root: &BuildRoot, kver: Option<&str>) -> Result<Self> {
        stock::ensure(ctx, root, kver)
    }

    /// The kernel that tests run on, with KASAN, lockdep, KUnit and failure injection
    /// (`tools/kconfig/debug.config`). Built on first use, which takes a quarter of an hour on two cores.
    ///
    /// # Errors
    ///
    /// When the source cannot be fetched, does not take the configuration, or does not build.
    pub fn debug(ctx: &Context, root: &BuildRoot) -> Result<Self> {
        debug::ensure(ctx, root)
    }

    /// A kernel with our drivers built in and none in C for the same devices
    /// (`tools/kconfig/builtin.config`). It finds its root file system without an initramfs. Built on
    /// first use, which takes some minutes; when only the drivers have changed, a fraction of that.
    /// Modules cannot be built for it.
    ///
    /// # Errors
    ///
    /// As [`Kernel::debug`].
    pub fn builtin(ctx: &Context, root: &BuildRoot) -> Result<Self> {
        builtin::ensure(ctx, root)
    }

    /// The directory of the source that the debug kernel is built from, in which that may be going on.
    ///
    /// # Errors
    ///
    /// When the source cannot be fetched.
    pub fn debug_source(ctx: &Context, root: &BuildRoot) -> Result<PathBuf> {
        own::sources(ctx, root)
    }

    /// A kernel that the user built in `dir` (the directory that holds its `.config`).
    ///
    /// # Errors
    ///
    /// When `dir` holds no finished build of a kernel with Rust.
    pub fn from_build_tree(ctx: &Context, root: &BuildRoot, dir: &Path) -> Result<Self> {
        local::from_build_tree(ctx, root, dir)
    }

    /// What rust-analyzer is to know of the kernel's crates: a `rust-project.json`.
    ///
    /// # Errors
    ///
    /// For a kernel that is not Debian's own.
    pub fn rust_project(&self, root: &BuildRoot) -> Result<String> {
        let file = self.kdir.join(PROJECT);
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read: only Debian's kernels have it", file.display()))?;
        // The build root's own sources of `core`.
        let usr = format!("\"{}/usr", root.path().display());
        Ok(text.replace(KDIR, &self.kdir.to_string_lossy()).replace("\"/usr", &usr))
    }

    /// Where the source lies of a kernel that was built in another directory (`make O=`).
    pub(crate) fn source(&self) -> Option<PathBuf> {
        local::source_of(&self.kdir)
    }
}
