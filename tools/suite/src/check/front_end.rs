// SPDX-License-Identifier: GPL-2.0

//! Adds a front end to a copy of the tree, as the document on front ends says, and builds it.
//!
//! The document has a paragraph and a block for each place that a new front end touches:
//!
//! ```text
//! **`drivers/rvirtio/Kconfig`**, before `config RVIRTIO_KUNIT_TEST`:
//! ```
//!
//! `before` and `after` name the last line that begins so; without one the block is a file of its own.

use super::{Findings, Sources, format, kernel_build, names, text, unsafe_code};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
};

const DOCUMENT: &str = "Documentation/front-ends.md";

/// What the document calls the front end, and the module that it is.
const MODULE: &str = "drivers/rvirtio/rvirtio_foo.ko";

/// A place, and what is to be put there.
#[derive(Debug, PartialEq, Eq)]
struct Step {
    file: PathBuf,
    place: Option<(Side, String)>,
    block: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

pub(super) fn addable(sources: &Sources<'_>) -> Result<Findings> {
    let dir = tempfile::tempdir().context("no temporary directory to copy the tree to")?;
    let (repo, out) = (dir.path().join("tree"), dir.path().join("out"));
    fs::create_dir(&out)?;
    for file in &sources.files {
        let to = repo.join(file);
        fs::create_dir_all(to.parent().unwrap_or(&repo))?;
        fs::copy(sources.repo.join(file), &to)
            .with_context(|| format!("{} cannot be copied", file.display()))?;
    }
    let steps = steps(&sources.read(Path::new(DOCUMENT))?);
    let mut files = sources.files.clone();
    for step in &steps {
        step.take(&repo)?;
        files.push(step.file.clone());
    }
    files.sort();
    files.dedup();
    let copy = Sources { repo: &repo, files, ..*sources };

    let mut findings = kernel_build::warnings_in(&copy, &out)?;
    if findings.is_empty() && !out.join(MODULE).is_file() {
        findings.push(format!("there is no {MODULE} after the steps of {DOCUMENT}"));
    }
    for find in [text::licences, unsafe_code::free, unsafe_code::counted, names::modules, format::kernel] {
        findings.extend(find(&copy)?);
    }
    Ok(findings)
}

/// The steps of the document, in its order.
fn steps(text: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some((file, rest)) = line.strip_prefix("**`").and_then(|line| line.split_once("`**")) else {
            continue;
        };
        let paragraph: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let paragraph = format!("{rest} {}", paragraph.join(" "));
        let block: Vec<&str> = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        let place =
            [(Side::Before, "before `"), (Side::After, "after `")].into_iter().find_map(|(side, word)| {
                let quoted = paragraph.split_once(word)?.1;
                // Two backticks around what has one.
                let quoted = match quoted.strip_prefix('`') {
                    Some(text) => text.split_once("``")?.0,
                    None => quoted.split_once('`')?.0,
                };
                Some((side, quoted.trim().to_owned()))
            });
        steps.push(Step { file: file.into(), place, block: block.join("\n") + "\n" });
    }
    steps
}

impl Step {
    /// Does in the tree `repo` what it says.
    fn take(&self, repo: &Path) -> Result<()> {
        let file = repo.join(&self.file);
        let text = match &self.place {
            None => self.block.clone(),
            Some((side, place)) => {
                let text = fs::read_to_string(&file)
                    .with_context(|| format!("{} cannot be read", file.display()))?;
                inserted(&text, side, place, &self.block)
                    .with_context(|| format!("{}: no line begins with {place}", self.file.display()))?
            }
        };
        fs::create_dir_all(file.parent().unwrap_or(repo))?;
        fs::write(&file, text).with_context(|| format!("{} cannot be written", file.display()))
    }
}

fn inserted(text: &str, side: &Side, place: &str, block: &str) -> Option<String> {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let at = lines.iter().rposition(|line| line.starts_with(place))?;
    lines.insert(at + usize::from(*side == Side::After), block);
    Some(lines.concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_read_and_taken() {
        let text = "**Bold**\n\n**`a/b.rs`**, a new file:\n\n```rust\nmod b;\n```\n\n\
            **`README`**, in the table, after ``| `x` |``, and\nso on:\n\n```\n| `y` |\n```\n";
        let steps = steps(text);
        assert_eq!(steps.len(), 2);
        assert_eq!(steps[0], Step { file: "a/b.rs".into(), place: None, block: "mod b;\n".into() });
        assert_eq!(steps[1].place, Some((Side::After, "| `x` |".to_owned())));

        let dir = tempfile::tempdir().unwrap();
        assert!(steps[1].take(dir.path()).is_err());
        fs::write(dir.path().join("README"), "| `x` | 1 |\nend\n").unwrap();
        steps.iter().for_each(|step| step.take(dir.path()).unwrap());
        assert_eq!(fs::read_to_string(dir.path().join("README")).unwrap(), "| `x` | 1 |\n| `y` |\nend\n");
        assert_eq!(fs::read_to_string(dir.path().join("a/b.rs")).unwrap(), "mod b;\n");
        assert_eq!(inserted("a\nb\na\n", &Side::Before, "a", "x\n").unwrap(), "a\nb\nx\na\n");
        assert!(inserted("a\n", &Side::After, "b", "").is_none());
    }
}
