// SPDX-License-Identifier: GPL-2.0

//! Unsafe code: where it is, and how much of it.
//!
//! `Documentation/safety.md` has a table of the crates, in any order:
//!
//! ```text
//! | crate | unsafe blocks |
//! |---|---|
//! | `rvirtio_blk` | 0 |
//! | `blk_mq` | 42 |
//! ```
//!
//! An `unsafe impl` counts as a block: it makes a promise too. A crate whose root denies unsafe code has not
//! even the word, and a front end is such a crate.

use super::{Findings, Sources};
use anyhow::{Context as _, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::{collections::BTreeMap, path::Path};

const DOCUMENT: &str = "Documentation/safety.md";

/// What a crate without unsafe code begins with, and what only front ends have.
const DENIED: &str = "#![deny(unsafe_code)]";
const FRONT_END: &str = "module_virtio_driver! {";

/// Where each folder is a crate.
const FOLDERS: [&str; 2] = ["drivers/rvirtio", "samples"];

/// A crate of kernel code.
pub(super) struct Crate<'a> {
    pub(super) name: &'a str,
    dir: &'a Path,
    root: String,
}

/// All crates, by the name of their root's file: that of the folder, or of the module.
pub(super) fn crates<'a>(sources: &'a Sources<'_>) -> Result<Vec<Crate<'a>>> {
    let mut crates = Vec::new();
    for file in sources.select(&FOLDERS, &["rs"]) {
        if let Some((name, dir)) = root_of(file) {
            crates.push(Crate { name, dir, root: sources.read(file)? });
        }
    }
    Ok(crates)
}

/// Name and folder of the crate that has its root in `file`.
fn root_of(file: &Path) -> Option<(&str, &Path)> {
    let dir =
        file.parent().filter(|dir| FOLDERS.iter().any(|above| dir.parent() == Some(Path::new(above))))?;
    let name = file.file_stem()?.to_str()?;
    (dir.ends_with(name) || name.starts_with("rvirtio")).then_some((name, dir))
}

pub(super) fn counted(sources: &Sources<'_>) -> Result<Findings> {
    let told = table(&sources.read(Path::new(DOCUMENT))?);
    let crates = crates(sources)?;
    let mut findings = Findings::new();
    for file in sources.select(&FOLDERS, &["rs"]) {
        if !crates.iter().any(|owner| file.starts_with(owner.dir)) {
            findings.push(format!("{}: is in no folder with the root of a crate", file.display()));
        }
    }
    for owner in &crates {
        let dir = owner.dir.to_string_lossy();
        let mut count = 0;
        for file in sources.select(&[&dir], &["rs"]) {
            count += blocks(sources, file)?;
        }
        let name = owner.name;
        match told.get(name) {
            Some(told) if *told == count => {}
            Some(told) => findings.push(format!(
                "{name}: {count} unsafe blocks, {DOCUMENT} tells of {told}: explain there what was added, and change the number"
            )),
            None => findings.push(format!("{name}: {count} unsafe blocks, {DOCUMENT} does not tell")),
        }
    }
    let gone = told.keys().filter(|name| !crates.iter().any(|owner| owner.name == *name));
    findings.extend(gone.map(|name| format!("{name}: {DOCUMENT} tells of a crate that is not there")));
    Ok(findings)
}

pub(super) fn free(sources: &Sources<'_>) -> Result<Findings> {
    let mut findings = Findings::new();
    for owner in crates(sources)? {
        if !owner.root.contains(DENIED) {
            if owner.root.contains(FRONT_END) {
                findings.push(format!("{}: a front end without {DENIED}", owner.name));
            }
            continue;
        }
        // Not even in a comment, so that a search for the word shows it too.
        for file in sources.select(&[&owner.dir.to_string_lossy()], &["rs"]) {
            for (number, line) in sources.read(file)?.lines().enumerate() {
                if has_word(line, "unsafe") {
                    findings.push(format!("{}:{}: {}", file.display(), number + 1, line.trim()));
                }
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
    fn folders_have_roots() {
        let name = |file| root_of(Path::new(file)).map(|(name, _)| name);
        assert_eq!(name("drivers/rvirtio/blk_mq/blk_mq.rs"), Some("blk_mq"));
        assert_eq!(name("drivers/rvirtio/core/rvirtio.rs"), Some("rvirtio"));
        assert_eq!(name("samples/rvirtio_rng/rvirtio_rng.rs"), Some("rvirtio_rng"));
        for file in
            ["drivers/rvirtio/blk/queue.rs", "drivers/rvirtio/core/ring/ring.rs", "drivers/other/other.rs"]
        {
            assert_eq!(name(file), None);
        }
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
