// SPDX-License-Identifier: GPL-2.0

//! Kernels.

use crate::{BuildRoot, Context};
use std::path::PathBuf;

/// A kernel that can be booted and that modules can be built for.
#[derive(Debug, Clone)]
pub struct Kernel {
    /// As `uname -r` says, for example `7.3.4+deb13-cloud-amd64`.
    pub release: String,
    /// Host path of the bootable image.
    pub vmlinuz: PathBuf,
    /// Host path of `lib/modules/RELEASE`, with `modules.dep`.
    pub modules_dir: PathBuf,
    /// Headers or build tree, ready for `make -C`; the same path inside the build root.
    pub kdir: PathBuf,
    /// Arguments that make needs besides `-C` (which compiler).
    pub make_args: Vec<String>,
}

impl Kernel {
    /// Debian's own kernel: the newest 7.3 cloud kernel, or what `kver` names: a release
    /// (`7.3.4+deb13-amd64`) or a flavour (`cloud`, `generic`).
    pub fn stock(_ctx: &Context, _root: &BuildRoot, _kver: Option<&str>) -> anyhow::Result<Self> {
        todo!()
    }

    /// The kernel with sanitizers, lockdep and KUnit, built here.
    pub fn debug(_ctx: &Context, _root: &BuildRoot) -> anyhow::Result<Self> {
        todo!()
    }

    /// A kernel build tree of the user's own.
    pub fn from_build_tree(
        _ctx: &Context,
        _root: &BuildRoot,
        _dir: &std::path::Path,
    ) -> anyhow::Result<Self> {
        todo!()
    }
}
