// SPDX-License-Identifier: GPL-2.0

//! Unsafe code: where it is, and how much of it.
//!
//! `Documentation/safety.md` has a table of the crates in [`CRATES`], in any order:
//!
//! ```text
//! | crate | unsafe blocks |
//! |---|---|
//! | `rvirtio_blk` | 0 |
//! | `blk_mq` | 42 |
//! ```
//!
//! An `unsafe impl` counts as a block: it makes a promise too.

use super::{Findings, Sources};
use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{collections::BTreeMap, path::Path};

const DOCUMENT: &str = "Documentation/safety.md";

/// Where kernel code is.
const KERNEL: [&str; 2] = ["drivers", "samples"];

/// Kernel crates and where their sources are. A file belongs to the longest path that its own begins with.
const CRATES: [(&str, &str); 7] = [
    ("rvirtio", "drivers/rvirtio/core"),
    ("rvirtio_pci", "drivers/rvirtio/pci"),
    ("blk_mq", "drivers/rvirtio/blk_mq"),
    ("rvirtio_blk", "drivers/rvirtio/blk"),
    ("hwrng", "drivers/rvirtio/hwrng"),
    ("rvirtio_rng", "samples/rvirtio_rng"),
    ("rvirtio_kunit", "drivers/rvirtio/kunit"),
];

/// Those of them that hold none: front ends, and tests.
const SAFE: [&str; 3] = ["rvirtio_blk", "rvirtio_rng", "rvirtio_kunit"];

pub(super) fn counted(sources: &Sources<'_>) -> Result<Findings> {
    let told = table(&sources.read(Path::new(DOCUMENT))?);
    let mut counts: BTreeMap<&str, usize> = CRATES.iter().map(|(name, _)| (*name, 0)).collect();
    let mut findings = Findings::new();
    for file in sources.select(&KERNEL, &["rs"]) {
        match owner(file).and_then(|name| counts.get_mut(name)) {
            Some(sum) => *sum += blocks(sources, file)?,
            None => findings.push(format!("{}: belongs to no crate that the check knows", file.display())),
        }
    }
    for (name, count) in counts {
        match told.get(name) {
            Some(told) if *told == count => {}
            Some(told) => findings.push(format!(
                "{name}: {count} unsafe blocks, {DOCUMENT} tells of {told}: explain there what was added, and change the number"
            )),
            None => findings.push(format!("{name}: {count} unsafe blocks, {DOCUMENT} does not tell")),
        }
    }
    Ok(findings)
}

pub(super) fn free(sources: &Sources<'_>) -> Result<Findings> {
    let mut findings = Findings::new();
    for file in sources.select(&KERNEL, &["rs"]) {
        if !owner(file).is_some_and(|name| SAFE.contains(&name)) {
            continue;
        }
        // Not even in a comment, so that a search for the word shows it too.
        for (number, line) in sources.read(file)?.lines().enumerate() {
            if has_word(line, "unsafe") {
                findings.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
            }
        }
    }
    Ok(findings)
}

/// Numbers of the first table whose titles are ours, by crate.
fn table(text: &str) -> BTreeMap<String, usize> {
    let row = |line: &str| -> Option<(String, String)> {
        let (name, blocks) = line.trim().strip_prefix('|')?.strip_suffix('|')?.split_once('|')?;
        Some((name.trim().trim_matches('`').to_owned(), blocks.trim().to_owned()))
    };
    let title = ("crate".to_owned(), "unsafe blocks".to_owned());
    let rows = text.lines().skip_while(|line| row(line).as_ref() != Some(&title)).map_while(row);
    rows.filter_map(|(name, blocks)| Some((name, blocks.parse().ok()?))).collect()
}

/// Which crate a file belongs to.
fn owner(file: &Path) -> Option<&'static str> {
    let holds = |path: &str| file.starts_with(path) || file == Path::new(&format!("{path}.rs"));
    CRATES.iter().filter(|(_, path)| holds(path)).max_by_key(|(_, path)| path.len()).map(|(name, _)| *name)
}

/// Unsafe blocks and implementations of a file: the places that have something to argue.
fn blocks(sources: &Sources<'_>, file: &Path) -> Result<usize> {
    let text = sources.read(file)?;
    let tokens: TokenStream = text
        .parse()
        .map_err(|error| anyhow::anyhow!("{error}"))
        .with_context(|| file.display().to_string())?;
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

    const DOC: &str = "# Safety\n\n| a | b |\n|---|---|\n\n| crate | unsafe blocks |\n|---|---|\n\
        | `front` | 0 |\n| `mq` | 7 |\n\ntext\n| `x` | 9 |\n";

    #[test]
    fn table_is_found() {
        assert_eq!(table(DOC), BTreeMap::from([("front".to_owned(), 0), ("mq".to_owned(), 7)]));
        assert!(table("no table").is_empty());
    }

    #[test]
    fn longest_path_owns() {
        assert_eq!(owner(Path::new("drivers/rvirtio/blk_mq.rs")), Some("blk_mq"));
        assert_eq!(owner(Path::new("drivers/rvirtio/blk_mq/tag_set.rs")), Some("blk_mq"));
        assert_eq!(owner(Path::new("drivers/rvirtio/blk/config.rs")), Some("rvirtio_blk"));
        assert_eq!(owner(Path::new("drivers/other/x.rs")), None);
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
