// SPDX-License-Identifier: GPL-2.0

//! The modules' own build, with all warnings that the kernel knows.

use super::{Findings, Sources};
use anyhow::{Context as _, Result};
use std::path::Path;

pub(super) fn warnings(sources: &Sources<'_>) -> Result<Findings> {
    // From nothing: what is already built does not warn again.
    let out = tempfile::tempdir().context("no temporary directory to build in")?;
    warnings_in(sources, out.path())
}

/// Builds in the empty directory `out`.
pub(super) fn warnings_in(sources: &Sources<'_>, out: &Path) -> Result<Findings> {
    let output = sources.modules.build(sources.repo, out, &["W=1", "CLIPPY=1"])?;
    let text = [output.stdout, output.stderr].concat();
    let text = String::from_utf8_lossy(&text);
    let mut findings = complaints(&text, sources.repo);
    if !output.status.success() {
        findings.push(format!("the build ended with {}", output.status));
        if findings.len() == 1 {
            findings.extend(text.lines().rev().take(15).map(str::to_owned));
        }
    }
    Ok(findings)
}

/// Warnings and errors, each with the place that follows it.
fn complaints(text: &str, repo: &Path) -> Findings {
    let repo = format!("{}/", repo.display());
    let mut lines = text.lines().peekable();
    let mut findings = Findings::new();
    while let Some(line) = lines.next() {
        let starts = |word: &str| line.starts_with(word) || line.contains(&format!(": {word}"));
        let is_sum = line.ends_with(" emitted");
        if is_sum || !["warning:", "warning[", "error:", "error["].iter().any(|word| starts(word)) {
            continue;
        }
        let place = lines.next_if(|next| next.trim_start().starts_with("-->"));
        findings.push(format!("{line}{}", place.unwrap_or_default()).replace(&repo, ""));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_of_both_compilers() {
        let text = "  RUSTC [M] a.o\nwarning: unused variable\n  --> /r/drivers/a.rs:1:2\n   |\n\
            /r/drivers/b.c:3:4: warning: no previous prototype [-Wmissing-prototypes]\nerror[E0425]: x\n\
            a note about a warning\nwarning: 2 warnings emitted\n";
        assert_eq!(
            complaints(text, Path::new("/r")),
            [
                "warning: unused variable  --> drivers/a.rs:1:2",
                "drivers/b.c:3:4: warning: no previous prototype [-Wmissing-prototypes]",
                "error[E0425]: x",
            ]
        );
    }
}
