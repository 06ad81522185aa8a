// SPDX-License-Identifier: GPL-2.0

//! Rust metadata for the headers of a Debian kernel, on a user's own machine.

use std::path::PathBuf;

/// What to do.
#[derive(Debug, Default, Clone)]
pub struct Options {
    /// Kernel release; the running kernel when absent.
    pub release: Option<String>,
    /// Where a complete headers directory is written; `/usr/src/linux-headers-RELEASE` itself is completed when absent (needs root).
    pub output: Option<PathBuf>,
}

/// Regenerates the metadata.
pub fn run(_options: &Options) -> anyhow::Result<()> {
    todo!()
}
