// SPDX-License-Identifier: GPL-2.0

//! What lies behind the emulated disks.

use crate::{lab::Lab, side::Side};
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
    /// The same as qcow2, which is what most guests' disks are.
    Qcow2(PathBuf),
}

impl Backend {
    /// Makes raw files for `sides`, which last as long as `lab`.
    ///
    /// # Errors
    ///
    /// When a file cannot be made.
    pub fn raw_file(lab: &Lab, sides: &[Side]) -> Result<Self> {
        let dir = lab.files();
        for side in sides {
            let path = file(dir, *side, "raw");
            File::create(&path)
                .and_then(|file| file.set_len(SIZE))
                .with_context(|| format!("{} cannot be made", path.display()))?;
        }
        Ok(Self::RawFile(dir.to_owned()))
    }

    /// Makes qcow2 files for `sides`, which last as long as `lab`.
    ///
    /// # Errors
    ///
    /// When a file cannot be made.
    pub fn qcow2(lab: &Lab, sides: &[Side]) -> Result<Self> {
        let dir = lab.files();
        for side in sides {
            let path = file(dir, *side, "qcow2");
            let mut create = lab.root().command("qemu-img");
            create.args(["create", "-q", "-f", "qcow2"]).arg(&path).arg(SIZE.to_string()).bind_rw(dir);
            create.run().with_context(|| format!("{} cannot be made", path.display()))?;
        }
        Ok(Self::Qcow2(dir.to_owned()))
    }

    /// For tables.
    pub fn title(&self) -> &'static str {
        match self {
            Self::Nothing => "null-co",
            Self::RawFile(_) => "raw file",
            Self::Qcow2(_) => "qcow2 file",
        }
    }

    /// QEMU's options for the disk of `side`, without a node name.
    pub fn options(&self, side: Side) -> String {
        let in_file = |dir: &Path, format: &str| {
            let file = file(dir, side, format).to_string_lossy().replace(',', ",,");
            format!("driver={format},file.driver=file,file.filename={file}")
        };
        match self {
            // Our driver notices reads that bring no data.
            Self::Nothing => format!("driver=null-co,read-zeroes=on,size={SIZE}"),
            Self::RawFile(dir) => in_file(dir, "raw"),
            Self::Qcow2(dir) => in_file(dir, "qcow2"),
        }
    }
}

fn file(dir: &Path, side: Side, format: &str) -> PathBuf {
    dir.join(format!("{}.{format}", side.variable()))
}
