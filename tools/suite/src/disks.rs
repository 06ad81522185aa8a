// SPDX-License-Identifier: GPL-2.0

//! Images of scratch disks.

use crate::vm::Disk;
use anyhow::Result;
use rvirtio_provision::BuildRoot;
use std::path::Path;

/// Makes empty images for `disks` in `dir`.
pub fn make(root: &BuildRoot, disks: &[Disk], dir: &Path) -> Result<()> {
    for disk in disks {
        let mut command = root.command("qemu-img");
        command.args(["create", "-q", "-f", &disk.format]).arg(dir.join(&disk.name)).arg(&disk.size);
        command.bind_rw(dir).run()?;
    }
    Ok(())
}
