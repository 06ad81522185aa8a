// SPDX-License-Identifier: GPL-2.0

//! Unsafe code: where it is, and how much of it.
//!
//! `Documentation/safety.md` has a table with a row for each crate:
//!
//! ```text
//! | crate | sources | unsafe blocks |
//! |---|---|---|
//! | `rvirtio_blk` | `drivers/rvirtio/blk` | 0 |
//! | `blk_mq` | `drivers/rvirtio/blk/blk_mq` | 42 |
//! ```
//!
//! A file belongs to the row with the longest path that its own begins with.

use super::{Findings, Sources};
use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::path::{Path, PathBuf};

const DOCUMENT: &str = "Documentation/safety.md";

/// Where kernel code is.
const KERNEL: [&str; 2] = ["drivers", "samples"];

/// A crate of the table.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    name: String,
    sources: String,
    blocks: usize,
}

pub(super) fn counted(sources: &Sources<'_>) -> Result<Findings> {
    let rows = table(&sources.read(Path::new(DOCUMENT))?);
    let mut counts = vec![0; rows.len()];
    let mut findings = Findings::new();
    for file in sources.select(&KERNEL, &["rs"]) {
        match owner(&rows, file) {
            Some(index) => counts[index] += blocks(sources, file)?,
            None => findings.push(format!("{}: no row of {DOCUMENT} is about it", file.display())),
        }
    }
    for (row, count) in rows.iter().zip(counts).filter(|(row, count)| row.blocks != *count) {
        let verb = if count > row.blocks { "explain what was added, and" } else { "then" };
        findings.push(format!(
            "{}: {count} unsafe blocks, {DOCUMENT} tells of {}: {verb} change the number",
            row.name, row.blocks
        ));
    }
    Ok(findings)
}

pub(super) fn free(sources: &Sources<'_>) -> Result<Findings> {
    let rows = table(&sources.read(Path::new(DOCUMENT))?);
    let mut findings = Findings::new();
    for file in sources.select(&KERNEL, &["rs", "c", "h"]) {
        // Code may not say unsafe even in a comment, so that a search for the word shows that too.
        if owner(&rows, file).is_none_or(|index| rows[index].blocks > 0) {
            continue;
        }
        for (number, line) in sources.read(file)?.lines().enumerate() {
            if has_word(line, "unsafe") {
                findings.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    for sample in sources.select(&["samples"], &["rs"]) {
        if owner(&rows, sample).is_some_and(|index| rows[index].blocks > 0) {
            findings.push(format!("{}: samples are to have no unsafe code", sample.display()));
        }
    }
    Ok(findings)
}

/// The rows of the first table whose titles are ours.
fn table(text: &str) -> Vec<Row> {
    let cells = |line: &str| -> Option<Vec<String>> {
        let inner = line.trim().strip_prefix('|')?.strip_suffix('|')?.to_owned();
        Some(inner.split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect())
    };
    let mut lines = text.lines();
    lines.find(|line| cells(line).is_some_and(|cells| cells[..] == ["crate", "sources", "unsafe blocks"]));
    lines
        .skip(1)
        .map_while(cells)
        .filter_map(|cells| match &cells[..] {
            [name, sources, blocks] => {
                Some(Row { name: name.clone(), sources: sources.clone(), blocks: blocks.parse().ok()? })
            }
            _ => None,
        })
        .collect()
}

/// Which row a file belongs to. A path such as `blk/blk_mq` means `blk/blk_mq.rs` too.
fn owner(rows: &[Row], file: &Path) -> Option<usize> {
    let matches = |row: &Row| file.starts_with(&row.sources) || file == PathBuf::from(format!("{}.rs", row.sources));
    (0..rows.len()).filter(|&index| matches(&rows[index])).max_by_key(|&index| rows[index].sources.len())
}

/// Unsafe blocks and implementations of a file: the places that have something to argue.
fn blocks(sources: &Sources<'_>, file: &Path) -> Result<usize> {
    let text = sources.read(file)?;
    let tokens: TokenStream =
        text.parse().map_err(|error| anyhow::anyhow!("{error}")).with_context(|| file.display().to_string())?;
    Ok(count(tokens))
}

fn count(tokens: TokenStream) -> usize {
    let mut sum = 0;
    let mut after_unsafe = false;
    for token in tokens {
        if let TokenTree::Group(group) = &token {
            sum += usize::from(after_unsafe && group.delimiter() == Delimiter::Brace);
            sum += count(group.stream());
        }
        sum += usize::from(after_unsafe && matches!(&token, TokenTree::Ident(word) if word == "impl"));
        after_unsafe = matches!(&token, TokenTree::Ident(word) if word == "unsafe");
    }
    sum
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOC: &str = "# Safety\n\n| a | b |\n|---|---|\n\n| crate | sources | unsafe blocks |\n|---|---|---|\n\
        | `front` | `d/blk` | 0 |\n| `mq` | `d/blk/blk_mq` | 7 |\n\ntext | x |\n";

    #[test]
    fn table_is_found() {
        let rows = table(DOC);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1], Row { name: "mq".into(), sources: "d/blk/blk_mq".into(), blocks: 7 });
        assert!(table("no table").is_empty());
    }

    #[test]
    fn longest_path_owns() {
        let rows = table(DOC);
        assert_eq!(owner(&rows, Path::new("d/blk/blk_mq.rs")), Some(1));
        assert_eq!(owner(&rows, Path::new("d/blk/blk_mq/tag_set.rs")), Some(1));
        assert_eq!(owner(&rows, Path::new("d/blk/disk.rs")), Some(0));
        assert_eq!(owner(&rows, Path::new("d/net/x.rs")), None);
    }

    #[test]
    fn blocks_and_impls_count() {
        let count = |text: &str| super::count(text.parse().unwrap());
        assert_eq!(count("fn f() { unsafe { g() }; m!(unsafe { h() }); }"), 2);
        assert_eq!(count("unsafe impl Send for T {}"), 1);
        // Obligations that others have to meet.
        assert_eq!(count("unsafe fn f() {} unsafe trait T {} unsafe extern \"C\" {}"), 0);
        assert_eq!(count("// unsafe { }\nconst A: &str = \"unsafe { }\"; #![deny(unsafe_code)]"), 0);
    }

    #[test]
    fn words() {
        assert!(has_word("// an unsafe thing", "unsafe"));
        assert!(!has_word("#![deny(unsafe_code)]", "unsafe"));
    }
}
