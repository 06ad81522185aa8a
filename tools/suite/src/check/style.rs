// SPDX-License-Identifier: GPL-2.0

//! clippy for the tools, checkpatch for C.

use super::{Findings, Sources, lines_of};
use anyhow::{Result, bail};

/// What checkpatch says that does not fit C code that is there for Rust alone: functions are declared in
/// front of themselves, as no header has a use for that; symbols are exported by name; a macro's
/// barriers are explained where Rust uses them. And the tree is not the kernel's, with its MAINTAINERS.
const IGNORED: &str =
    "AVOID_EXTERNS,EXPORT_SYMBOL,MACRO_ARG_REUSE,MEMORY_BARRIER,FILE_PATH_CHANGES,CONFIG_DESCRIPTION";

/// Shifts beside other operators: newer versions of clippy no longer count them, and neither do we.
const ALLOWED: &str = "--allow=clippy::precedence";

pub(super) fn clippy(sources: &Sources<'_>) -> Result<Findings> {
    let cargo = ["clippy", "--quiet", "--workspace", "--all-targets", "--message-format=short"];
    let clippy = ["--", "--deny=warnings", ALLOWED];
    lines_of(sources.cargo.in_root("", &[&cargo[..], &clippy].concat())?)
}

pub(super) fn checkpatch(sources: &Sources<'_>) -> Result<Findings> {
    let scripts = sources.kernel.kdir.join("scripts").canonicalize()?;
    let script = scripts.join("checkpatch.pl");
    if !script.is_file() {
        bail!("the cached kernel is of an older tool and has no checkpatch: run tools/vm clean");
    }
    let files = sources.select(&["drivers", "samples"], &["c", "h"]);
    let mut perl = sources.root.command("perl");
    perl.arg(&script).args([
        "--no-tree",
        "--strict",
        "--terse",
        "--no-summary",
        "--ignore",
        IGNORED,
        "--file",
    ]);
    perl.args(files).bind_ro(&scripts).bind_ro(sources.repo).current_dir(sources.repo);
    lines_of(perl.command()?)
}
