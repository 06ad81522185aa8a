// SPDX-License-Identifier: GPL-2.0

//! What lies behind the emulated disks.

use crate::side::Side;
use anyhow::{Context as _, Result};
use std::{
    fs::File,
    path::{Path, PathBuf},
};

/// Size of a disk, in bytes: much more than any cache, and sparse.
const SIZE: u64 = 8 << 30;

/// The host's part of a disk.
#[derive(Debug, Clone)]
pub enum Backend {
    /// Reads and writes do nothing, so that the guest's part and the exits are all there is.
    Nothing,
    /// A sparse raw file for each disk, in this directory, through the host's page cache.
    RawFile(PathBuf),
}

impl Backend {
    /// Makes files in `dir` for `sides`.
    ///
    /// # Errors
    ///
    /// When a file can not be made.
    pub fn raw_file(dir: &Path, sides: &[Side]) -> Result<Self> {
        for side in sides {
            let path = file(dir, *side);
            File::create(&path)
                .and_then(|file| file.set_len(SIZE))
                .with_context(|| format!("{} can not be made", path.display()))?;
        }
        Ok(Self::RawFile(dir.to_owned()))
    }

    /// For tables.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Nothing => "null-co",
            Self::RawFile(_) => "raw file",
        }
    }

    /// QEMU's options for the disk of `side`, without a node name.
    pub fn options(&self, side: Side) -> String {
        match self {
            Self::Nothing => format!("driver=null-co,size={SIZE}"),
            Self::RawFile(dir) => {
                let file = file(dir, side).to_string_lossy().replace(',', ",,");
                format!("driver=raw,file.driver=file,file.filename={file}")
            }
        }
    }
}

fn file(dir: &Path, side: Side) -> PathBuf {
    dir.join(format!("{}.raw", side.variable()))
}
