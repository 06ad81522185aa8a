// SPDX-License-Identifier: GPL-2.0

//! clippy for the tools, checkpatch for C.

use super::{Findings, Sources, lines_of};
use anyhow::{Result, bail};

/// What checkpatch says that does not fit here: the tree is not the kernel's, so MAINTAINERS, its
/// documentation of Kconfig symbols and of macros that generate declarations are not there.
const IGNORED: &str = "FILE_PATH_CHANGES,CONFIG_DESCRIPTION,NEW_TYPEDEFS,UNDOCUMENTED_DT_STRING";

pub(super) fn clippy(sources: &Sources<'_>) -> Result<Findings> {
    lines_of(sources.cargo.in_root(
        "",
        &["clippy", "--quiet", "--workspace", "--all-targets", "--", "--deny", "warnings"],
    )?)
}

pub(super) fn checkpatch(sources: &Sources<'_>) -> Result<Findings> {
    let scripts = sources.kernel.kdir.join("scripts").canonicalize()?;
    let script = scripts.join("checkpatch.pl");
    if !script.is_file() {
        bail!("the cached kernel is of an older tool and has no checkpatch: run tools/vm clean");
    }
    let files = sources.select(&["drivers", "samples"], &["c", "h"]);
    let mut perl = sources.root.command("perl");
    perl.arg(&script).args(["--no-tree", "--strict", "--terse", "--no-summary", "--ignore", IGNORED, "--file"]);
    perl.args(files).bind_ro(&scripts).bind_ro(sources.repo).current_dir(sources.repo);
    lines_of(perl.command()?)
}
