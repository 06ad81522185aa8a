// SPDX-License-Identifier: GPL-2.0

//! What lies behind the emulated disks.

use crate::{lab::Lab, side::Side};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// Size of a disk, in bytes: much more than any cache, and sparse.
const SIZE: u64 = 8 << 30;

/// The host's part of a disk.
#[derive(Debug, Clone)]
pub enum Backend {
    /// Reads and writes do nothing, so that the guest's part and the exits are all there is.
    Nothing,
    /// A sparse file for each disk, in this directory, through the host's page cache: raw, or qcow2, which is
    /// what most guests' disks are.
    Files(PathBuf, &'static str),
}

impl Backend {
    /// Makes files of `format`, raw or qcow2, for `sides`, which last as long as `lab`.
    ///
    /// # Errors
    ///
    /// When a file cannot be made.
    pub fn files(lab: &Lab, sides: &[Side], format: &'static str) -> Result<Self> {
        let dir = lab.files();
        for side in sides {
            let mut create = lab.root().command("qemu-img");
            create.args(["create", "-q", "-f", format]).arg(file(dir, *side, format)).arg(SIZE.to_string());
            create.bind_rw(dir).run()?;
        }
        Ok(Self::Files(dir.to_owned(), format))
    }

    /// For tables.
    pub fn title(&self) -> String {
        match self {
            Self::Nothing => "null-co".to_owned(),
            Self::Files(_, format) => format!("{format} file"),
        }
    }

    /// QEMU's options for the disk of `side`, without a node name.
    pub fn options(&self, side: Side) -> String {
        match self {
            // Our driver notices reads that bring no data.
            Self::Nothing => format!("driver=null-co,read-zeroes=on,size={SIZE}"),
            Self::Files(dir, format) => {
                let file = file(dir, side, format).to_string_lossy().replace(',', ",,");
                format!("driver={format},file.driver=file,file.filename={file}")
            }
        }
    }
}

fn file(dir: &Path, side: Side, format: &str) -> PathBuf {
    dir.join(format!("{}.{format}", side.variable()))
}
