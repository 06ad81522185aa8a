// SPDX-License-Identifier: GPL-2.0

//! Makes, once, what rvirtio is built with and runs in, and keeps it in a cache:
//! the build root, kernels with Rust metadata, our modules, guest images, a user's machine.
//!
//! Everything starts from a [`Context`]. Every `ensure` is quick when the cache already has the
//! thing; when it has not, the thing is made in a directory beside its final place and renamed
//! when complete, so that whatever stops the work (an error, ^C, a full disk) leaves no half of it.

mod apt;
mod arch;
mod build;
mod build_root;
mod cache;
mod debootstrap;
mod exec;
mod guest_image;
mod host;
mod interrupt;
mod kernel;
mod machine;
mod progress;
mod rust_metadata;
mod sandbox;
mod scratch;

pub use arch::Arch;
pub use build::build_modules;
pub use build_root::BuildRoot;
pub use cache::{Cache, Key};
pub use guest_image::GuestImage;
pub use kernel::Kernel;
pub use machine::Machine;
pub use progress::{Progress, Step};
pub use sandbox::BwrapCommand;
pub use scratch::Scratch;

use anyhow::Context as _;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// What every step needs to know: where things are kept, how to report, and whose modules are built.
pub struct Context {
    /// Where finished things are kept.
    pub cache: Cache,
    /// Where steps are reported.
    pub progress: Progress,
    /// The source tree whose modules are built (the directory that holds `tools/`).
    pub repo: PathBuf,
}

impl Context {
    /// Opens the user's cache for the source tree `repo`.
    ///
    /// # Errors
    ///
    /// When the cache directory cannot be made, or `repo` does not exist.
    pub fn new(repo: impl Into<PathBuf>) -> anyhow::Result<Self> {
        let repo = repo.into();
        let repo = repo
            .canonicalize()
            .with_context(|| format!("the source tree {} cannot be read", repo.display()))?;
        Ok(Self { cache: Cache::open()?, progress: Progress::new(), repo })
    }
}

/// All files below `dir` whose name is `wanted`, in the order of their paths. Links are not followed.
///
/// # Errors
///
/// When a directory cannot be read.
pub fn files_below(dir: &Path, wanted: fn(&str) -> bool) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("{} cannot be read", dir.display()))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            files.extend(files_below(&entry.path(), wanted)?);
        } else if wanted(&entry.file_name().to_string_lossy()) {
            files.push(entry.path());
        }
    }
    files.sort();
    Ok(files)
}
