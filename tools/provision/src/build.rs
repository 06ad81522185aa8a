// SPDX-License-Identifier: GPL-2.0

//! Our modules.

use crate::{BuildRoot, Context, Kernel};
use std::path::PathBuf;

/// Builds our modules for `kernel`; returns the directory that holds the `.ko` files (in subdirectories as in the source tree).
pub fn build_modules(_ctx: &Context, _root: &BuildRoot, _kernel: &Kernel) -> anyhow::Result<PathBuf> {
    todo!()
}
