// SPDX-License-Identifier: GPL-2.0

//! What can be seen in the text alone.

use super::{Findings, Sources};
use anyhow::{Context as _, Result};
use std::{path::Path, process::Command};

/// Files that need no licence line: data, what tools generate, the licence itself, and what is about
/// packages, for which Debian has a file that names it.
const UNLICENSED: [&str; 3] = ["LICENSE", "Cargo.lock", ".tsv"];
const UNLICENSED_DIRS: [&str; 2] = ["corpus", "debian"];

/// Beginnings of directories that only exist on one machine. (In halves, or they would be found here.)
const MACHINE: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/wo", "rk/"), concat!("/Us", "ers/"), concat!("/ro", "ot/")];

/// How far from its beginning a file may name its licence.
const LICENCE_LINES: usize = 4;

pub(super) fn licences(sources: &Sources<'_>) -> Result<Findings> {
    let mut findings = Findings::new();
    for file in &sources.files {
        if UNLICENSED.iter().any(|end| file.to_string_lossy().ends_with(end))
            || file.iter().any(|part| UNLICENSED_DIRS.iter().any(|dir| part == *dir))
        {
            continue;
        }
        let text = sources.read(file)?;
        if !text.lines().take(LICENCE_LINES).any(|line| line.contains("SPDX-License-Identifier: ")) {
            findings.push(format!("{}: no SPDX-License-Identifier line", file.display()));
        }
    }
    Ok(findings)
}

pub(super) fn machine_paths(sources: &Sources<'_>) -> Result<Findings> {
    let mut findings = Findings::new();
    for file in &sources.files {
        for (number, line) in sources.read(file)?.lines().enumerate() {
            if let Some(path) = MACHINE.iter().find(|path| names(line, path)) {
                findings.push(format!("{}:{}: names a path in {path}", file.display(), number + 1));
            }
        }
    }
    Ok(findings)
}

/// Whether `path` is in `line`, as the beginning of a path.
fn names(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '}' | '~' | '$'))
    })
}

pub(super) fn shell(sources: &Sources<'_>) -> Result<Findings> {
    let mut findings = Findings::new();
    for file in &sources.files {
        let text = sources.read(file)?;
        if !is_shell(file, &text) {
            continue;
        }
        let shell =
            if text.lines().next().is_some_and(|line| line.ends_with("bash")) { "bash" } else { "sh" };
        let output = Command::new(shell)
            .arg("-n")
            .arg(sources.repo.join(file))
            .output()
            .with_context(|| format!("{shell} cannot be started"))?;
        if !output.status.success() {
            findings.extend(String::from_utf8_lossy(&output.stderr).lines().map(str::to_owned));
        }
    }
    Ok(findings)
}

fn is_shell(file: &Path, text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    file.extension().is_some_and(|end| end == "sh")
        || first.starts_with("#!") && (first.ends_with("/sh") || first.ends_with("bash"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine() {
        let home = MACHINE[0];
        assert!(names(&format!("cd {home}me/src"), home));
        assert!(names(&format!("\"{home}me\""), home));
        assert!(!names(&format!("$HOME/x{home}"), home));
        assert!(!names("at home/ here", home));
    }

    #[test]
    fn shells() {
        assert!(is_shell(Path::new("x.sh"), ""));
        assert!(is_shell(Path::new("x"), "#!/bin/sh\n"));
        assert!(is_shell(Path::new("x"), "#!/usr/bin/env bash\n"));
        assert!(!is_shell(Path::new("x.py"), "#!/usr/bin/python3\n"));
    }
}
