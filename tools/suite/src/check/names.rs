// SPDX-License-Identifier: GPL-2.0

//! Names that are told in two places, of which one could be left behind.

use super::{Findings, Sources, unsafe_code};
use anyhow::Result;
use std::{collections::HashSet, fs, path::Path};

/// Directories of the kernel that the documents point into.
const KERNEL: [&str; 8] = [
    "Documentation/process/",
    "Documentation/rust/",
    "drivers/block/",
    "drivers/char/",
    "drivers/virtio/",
    "include/linux/",
    "rust/kernel",
    "scripts/",
];

/// What our own paths begin with.
const DIRS: [&str; 5] = ["Documentation/", "drivers/rvirtio/", "samples/", "tests/", "tools/"];

/// Names of the kernel and of programs that are neither in our sources nor in those of the kernel crate.
const FOREIGN: &[&str] = &[
    "alloc_indirect_split",
    "initcall_blacklist",
    "INVARIANT",
    "mokutil",
    "nm",
    "reading_mutex",
    "SAFETY",
    "virtblk",
    "vp_find_vqs",
];

/// Words that stand for others: `virtioN`, `tests/vm/NAME`, the front end that an example adds.
const PLACEHOLDERS: [&str; 6] = ["NAME", "SERIAL", "foo", "Early", "virtio0", "virtioN"];

/// Documents that are written by tools: from names of tests, which `check/conformance` compares, and from
/// measurements of a certain commit.
const GENERATED: [&str; 2] = ["Documentation/conformance.md", "Documentation/performance.md"];

/// Identifiers and paths in backticks are in the tree.
pub(super) fn documented(sources: &Sources<'_>) -> Result<Findings> {
    let tree = Tree::read(sources)?;
    let mut findings = Findings::new();
    let mut foreign: HashSet<&str> = FOREIGN.iter().copied().collect();
    for file in sources
        .files
        .iter()
        .filter(|file| is_document(file) && !GENERATED.iter().any(|path| *file == Path::new(path)))
    {
        for (number, span) in spans(&sources.read(file)?) {
            foreign.retain(|name| !span.contains(name));
            if let Some(name) = tree.missing(&span) {
                findings.push(format!("{}:{number}: `{span}`: no {name} in the tree", file.display()));
            }
        }
    }
    findings.extend(foreign.iter().map(|name| format!("{name}: is allowed, but no document names it")));
    Ok(findings)
}

/// Every module has a symbol in Kconfig, and a row in the README unless it holds tests.
pub(super) fn modules(sources: &Sources<'_>) -> Result<Findings> {
    let readme = sources.read(Path::new("README.md"))?;
    let kconfig = sources.read(Path::new("drivers/rvirtio/Kconfig"))?;
    let mut findings = Findings::new();
    for module in unsafe_code::crates(sources)?.iter().map(|owner| owner.name) {
        if !module.starts_with("rvirtio") {
            continue;
        }
        let test = module.ends_with("_kunit");
        let symbol = module.to_uppercase() + if test { "_TEST" } else { "" };
        if !kconfig.lines().any(|line| {
            line.split_whitespace().eq(["config", &symbol])
                || line.split_whitespace().eq(["menuconfig", &symbol])
        }) {
            findings.push(format!("{module}: Kconfig has no {symbol}"));
        }
        if !test && !readme.contains(&format!("| `{module}` |")) {
            findings.push(format!("{module}: README.md has no row for it in the table of modules"));
        }
    }
    Ok(findings)
}

fn is_document(file: &Path) -> bool {
    file.extension().is_some_and(|end| end == "md")
}

/// What is in backticks, and in blocks of code words that look like our files, with the number of the line.
fn spans(text: &str) -> Vec<(usize, String)> {
    let mut in_block = false;
    let mut spans = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let fence = line.trim_start().starts_with("```");
        in_block ^= fence;
        if in_block && !fence {
            let ours = |word: &&str| DIRS.iter().any(|dir| word.starts_with(dir));
            spans.extend(line.split_whitespace().filter(ours).map(|word| (number + 1, word.to_owned())));
        } else if !fence {
            spans.extend(line.split('`').skip(1).step_by(2).map(|span| (number + 1, span.to_owned())));
        }
    }
    spans
}

/// What there is to name.
struct Tree {
    /// Sources, and the words of each but for comments in Rust.
    files: Vec<(String, HashSet<String>)>,
    /// Words of the kernel crate and of its bindings.
    kernel: HashSet<String>,
    /// Files and directories, and words that these consist of.
    paths: Vec<String>,
}

impl Tree {
    fn read(sources: &Sources<'_>) -> Result<Self> {
        let mut tree = Self { files: Vec::new(), kernel: HashSet::new(), paths: Vec::new() };
        for dir in ["rust/kernel", "rust/bindings"] {
            let mut files = vec![sources.kernel.kdir.join(dir)];
            while let Some(file) = files.pop() {
                match fs::read_dir(&file) {
                    Ok(entries) => files.extend(entries.flatten().map(|entry| entry.path())),
                    Err(_) => tree.kernel.extend(words(&fs::read_to_string(&file)?).map(str::to_owned)),
                }
            }
        }
        for file in &sources.files {
            let ancestors = file.ancestors().filter(|path| *path != Path::new(""));
            tree.paths.extend(ancestors.clone().map(|path| path.display().to_string()));
            tree.paths.extend(ancestors.skip(1).map(|path| format!("{}/", path.display())));
            let data =
                ["lock", "svg", "tsv"].iter().any(|end| file.extension().is_some_and(|found| found == *end));
            if !data && !is_document(file) && !file.ends_with("names.rs") {
                let text = sources.read(file)?;
                tree.add(&text, file.extension().is_some_and(|end| end == "rs"));
            }
        }
        tree.paths.sort();
        tree.paths.dedup();
        Ok(tree)
    }

    fn add(&mut self, text: &str, rust: bool) {
        let code = |line: &str| match line.find("//").filter(|_| rust) {
            Some(at) => line[..at].to_owned(),
            None => line.to_owned(),
        };
        let code = text.lines().map(code).collect::<Vec<_>>().join("\n");
        let words = words(&code).map(str::to_owned).collect();
        self.files.push((text.to_owned(), words));
    }

    /// The part of `span` that the tree does not have; none when it has all, or when this is no name.
    fn missing(&self, span: &str) -> Option<String> {
        let end = span.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(span.len());
        let (head, tail) = span.split_at(end);
        let parts: Vec<&str> = head.split("::").collect();
        if words(head).eq(parts.iter().copied())
            && (tail.is_empty() || tail.starts_with(['(', '!', '<', '=']))
        {
            let lost = parts.iter().find(|part| !self.has(part));
            return lost.map(|part| (*part).to_owned()).or_else(|| {
                // What belongs to a type is where the type is named.
                let [.., of, member] = &parts[..] else { return None };
                let is_type = of.starts_with(char::is_uppercase);
                (is_type
                    && !self.files.iter().any(|(_, words)| words.contains(*of) && words.contains(*member)))
                .then(|| head.to_owned())
            });
        }
        let is_path = span.contains('/')
            || [".rs", ".sh", ".md", ".c", ".h", ".tsv"].iter().any(|end| span.ends_with(end));
        let plain = |c: char| c.is_alphanumeric() || "_-./*".contains(c);
        if !is_path || span.starts_with('/') || !span.chars().all(plain) {
            return None;
        }
        let span = span.trim_start_matches("../");
        let known = KERNEL.iter().any(|dir| span.starts_with(dir))
            || PLACEHOLDERS.iter().any(|word| span.contains(word))
            || self.paths.iter().any(|path| is_end(span, path))
            || !span.ends_with('/') && self.files.iter().any(|(text, _)| text.contains(span));
        (!known).then(|| span.to_owned())
    }

    fn has(&self, word: &str) -> bool {
        FOREIGN.contains(&word)
            || PLACEHOLDERS.contains(&word)
            || ["core", "std", "kernel"].contains(&word)
            || self.kernel.contains(word)
            || self.files.iter().any(|(_, words)| words.contains(word))
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with(|c: char| c.is_alphabetic() || c == '_'))
}

/// Whether `path` ends in `pattern`, whose parts may have one `*` each and whose last may lack an ending.
fn is_end(pattern: &str, path: &str) -> bool {
    let mut path = path.rsplit('/');
    pattern.rsplit('/').enumerate().all(|(from_end, pattern)| {
        let Some(part) = path.next() else { return false };
        let stem = part.split_once('.').map_or(part, |(stem, _)| stem);
        match pattern.split_once('*') {
            Some((first, last)) => {
                part.len() >= first.len() + last.len() && part.starts_with(first) && part.ends_with(last)
            }
            None => part == pattern || from_end == 0 && stem == pattern,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let paths = ["drivers/rvirtio/blk/queue.rs", "drivers/rvirtio/blk/", "drivers/rvirtio/blk"];
        let kernel = words("kernel_fn").map(str::to_owned).collect();
        let mut tree = Tree { files: Vec::new(), kernel, paths: paths.map(str::to_owned).to_vec() };
        tree.add("struct Queue; // Gone\nfn pop() {}\n#[doc(alias = \"vring_pop\")]", true);
        tree.add("struct Other { state: u8 }", true);
        tree
    }

    #[test]
    fn names_that_are_gone_are_found() {
        let missing = |span: &str| tree().missing(span);
        for there in [
            "Queue",
            "Queue::pop()",
            "vring_pop",
            "queue.rs",
            "blk/queue.rs",
            "blk/q*",
            "blk/queue",
            "kernel_fn",
            "blk/",
            "rvirtio/blk",
        ] {
            assert_eq!(missing(there), None, "{there}");
        }
        for gone in [
            "Gone",
            "Queue::push",
            "Queue::state",
            "push(x: T)",
            "Gone<'a>",
            "push=1",
            "ring.rs",
            "net/queue.rs",
            "net/*",
            "queue/",
        ] {
            assert!(missing(gone).is_some(), "{gone}");
        }
    }

    #[test]
    fn other_text_is_no_name() {
        for text in ["make test", "/proc/interrupts", "--full", "'bound", "by-id/virtio-SERIAL", "a: b"] {
            assert_eq!(tree().missing(text), None, "{text}");
        }
    }

    #[test]
    fn in_blocks_only_paths_are_spans() {
        let found = spans("a `b` c `d`\n```\n`e` tools/g h\n```\n`f`\n");
        let found: Vec<_> = found.iter().map(|(line, span)| (*line, span.as_str())).collect();
        assert_eq!(found, [(1, "b"), (1, "d"), (3, "tools/g"), (5, "f")]);
    }
}
