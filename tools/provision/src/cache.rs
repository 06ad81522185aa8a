// SPDX-License-Identifier: GPL-2.0

//! The cache.

use std::path::{Path, PathBuf};

/// Finished things, each in a directory of its own under `${XDG_CACHE_HOME:-~/.cache}/rvirtio`.
pub struct Cache {
    root: PathBuf,
}

impl Cache {
    /// Opens the user's cache.
    pub fn open() -> anyhow::Result<Self> {
        todo!()
    }

    /// The directory that holds everything.
    pub fn root(&self) -> &Path {
        &self.root
    }
}
