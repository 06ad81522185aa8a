// SPDX-License-Identifier: GPL-2.0

//! The documentation of all crates, private items too, from their comments.

use crate::{check::Findings, rustc::Modules};
use anyhow::{Context as _, Result};
use std::{fs, path::Path};

/// Where it goes, below the source tree.
pub const OUTPUT: &str = "tools/target/rustdoc";

/// What links to the kernel's tree, `srctree/...`, become, as in the kernel's own documentation.
const SRCTREE: &str = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree";

/// Our documentation shows private items: public ones may link to them.
const ALLOWED: &str = "-Arustdoc::private_intra_doc_links";

/// Makes it in `out`; returns what rustdoc complains of.
pub fn make(modules: &Modules<'_>, out: &Path) -> Result<Findings> {
    fs::create_dir_all(out).with_context(|| format!("{} cannot be made", out.display()))?;
    let mut findings = Findings::new();
    for one in &modules.crates {
        let mut rustdoc = modules.command("rustdoc", one);
        rustdoc.args(["--document-private-items", ALLOWED, "--error-format=short"]);
        rustdoc.args(["--crate-name", &one.name, "--out-dir"]).arg(out).arg(&one.source).bind_rw(out);
        let output = rustdoc.command()?.output().context("bwrap cannot be started")?;
        let text = String::from_utf8_lossy(&output.stderr);
        findings.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
        if !output.status.success() {
            findings.push(format!("rustdoc ended with {} for {}", output.status, one.name));
        }
    }
    let links = format!("s|href=\"srctree/|href=\"{SRCTREE}/|");
    let mut find = modules.root.command("find");
    find.arg(out).args(["-name", "*.html", "-exec", "sed", "-i", &links, "{}", "+"]).bind_rw(out).run()?;
    Ok(findings)
}
