// SPDX-License-Identifier: GPL-2.0

//! Which modules a module needs.

use crate::{BuildRoot, Kernel};
use std::path::{Path, PathBuf};

/// A kernel's `modules.dep`, `modules.alias`-free: names to files and what they depend on.
pub struct ModuleIndex {}

impl ModuleIndex {
    /// Reads `kernel`'s `modules.dep` and `modules.builtin`.
    pub fn load(_kernel: &Kernel) -> anyhow::Result<Self> {
        todo!()
    }

    /// The files of `names` and of all they depend on, in load order; built-in ones are left out.
    pub fn resolve(&self, _names: &[&str]) -> anyhow::Result<Vec<PathBuf>> {
        todo!()
    }

    /// Copies `files` into `dir`, uncompressed, as `NAME.ko`; returns the copies in the same order.
    pub fn unpack(&self, _root: &BuildRoot, _files: &[PathBuf], _dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
        todo!()
    }
}
