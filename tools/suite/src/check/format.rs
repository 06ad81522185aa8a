// SPDX-License-Identifier: GPL-2.0

//! rustfmt, with the kernel's settings for kernel code and our own for the tools. Findings are files that
//! it would change.

use super::{Findings, Sources, lines_of};
use anyhow::Result;

pub(super) fn kernel(sources: &Sources<'_>) -> Result<Findings> {
    let files = sources.select(&["drivers", "samples", "tests"], &["rs"]);
    let mut rustfmt = sources.root.command("rustfmt");
    rustfmt.args(["--check", "-l", "--config-path"]).arg(sources.kernel.kdir.join(".rustfmt.toml"));
    rustfmt.args(files).bind_ro(sources.repo).bind_ro(&sources.kernel.kdir).current_dir(sources.repo);
    lines_of(rustfmt.command()?)
}

pub(super) fn tools(sources: &Sources<'_>) -> Result<Findings> {
    lines_of(sources.cargo.in_root("", &["fmt", "--all", "--", "--check", "-l"])?)
}
