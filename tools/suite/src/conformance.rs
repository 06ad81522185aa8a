// SPDX-License-Identifier: GPL-2.0

//! `Documentation/conformance.md`: what became of each requirement, from the tags of the tests.

use crate::check::{Findings, Sources, covers};
use anyhow::Result;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

/// The page.
pub const PAGE: &str = "Documentation/conformance.md";

/// All requirements: id, level, requirement, and why there is no test, separated by tabs, after a line
/// of titles.
pub const LIST: &str = "Documentation/requirements.tsv";

/// Where tests are.
pub const TESTS: [&str; 5] =
    ["tests", "tools/ringtest", "tools/suite/src/registers", "drivers/rvirtio", "samples"];

/// Groups of ids, and what they are about.
const GROUPS: [(&str, &str); 13] = [
    ("INIT", "Device set-up"),
    ("FEAT", "Reserved feature bits"),
    ("RING-S", "Split virtqueues"),
    ("RING-P", "Packed virtqueues"),
    ("RING-O", "In-order use"),
    ("RING-N", "Notifications, and the packed layout in detail"),
    ("VQR", "Virtqueue reset"),
    ("PCI", "PCI transport"),
    ("BLK", "Block devices"),
    ("NET", "Network devices"),
    ("NETX", "Network devices: statistics"),
    ("SCSI", "SCSI hosts"),
    ("RNG", "Entropy devices"),
];

const INTRODUCTION: &str = "\
<!-- SPDX-License-Identifier: GPL-2.0 -->
<!-- Made by `tools/test conformance` from requirements.tsv and the tests. Do not edit. -->

# Conformance

Requirements of VIRTIO 1.4 on drivers, in our own words, and what became of them. A requirement is
*tested* when a test says that it covers it; *not applicable* when the driver has nothing that is
subject to it; else it is *open*, and the page says what a test would take. `make check` fails when
this page is not what the tags of the tests say.
";

/// A requirement.
struct Requirement<'a> {
    id: &'a str,
    level: &'a str,
    text: &'a str,
    /// `n/a: WHY` or `open: WHAT IT TAKES`; empty for one that is tested.
    note: &'a str,
}

/// The state of a requirement, as the page shows it.
enum State<'a> {
    Tested(&'a [String]),
    NotApplicable(&'a str),
    Open(&'a str),
}

/// Tests by the ids that they cover.
type Covered = BTreeMap<String, Vec<String>>;

/// Returns the page, and what is wrong with the tags.
pub fn page(sources: &Sources<'_>) -> Result<(String, Findings)> {
    let list = sources.read(Path::new(LIST))?;
    let covered = covered(sources)?;
    Ok(render(&requirements(&list), &covered))
}

/// The page is what the tags say.
pub fn check(sources: &Sources<'_>) -> Result<Findings> {
    let (page, mut findings) = page(sources)?;
    if sources.read(Path::new(PAGE)).unwrap_or_default() != page {
        findings.push(format!("{PAGE} is stale: run tools/test conformance"));
    }
    Ok(findings)
}

fn requirements(list: &str) -> Vec<Requirement<'_>> {
    let fields = |line| {
        let mut fields = str::split(line, '\t');
        let mut next = || fields.next().unwrap_or_default();
        Requirement { id: next(), level: next(), text: next(), note: next() }
    };
    list.lines().skip(1).map(fields).collect()
}

fn covered(sources: &Sources<'_>) -> Result<Covered> {
    let mut covered = Covered::new();
    for file in sources.select(&TESTS, &["sh", "rs", "py"]) {
        for (id, test) in tags(file, &sources.read(file)?) {
            let tests = covered.entry(id).or_default();
            if !tests.contains(&test) {
                tests.push(test);
            }
        }
    }
    Ok(covered)
}

/// Ids that a file's comments name, each with the test that the comment belongs to.
fn tags(file: &Path, text: &str) -> Vec<(String, String)> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    let mut ids: Vec<&str> = Vec::new();
    for line in text.lines() {
        let on_line: Vec<&str> = covers::covered(line).collect();
        if line.trim_start().starts_with("//!") {
            // The whole file: its tests are named after the ids.
            found.extend(on_line.iter().map(|id| ((*id).to_owned(), format!("{}/{id}", parent(file)))));
            continue;
        }
        ids.extend(on_line);
        if let Some(name) = function(line) {
            found.extend(ids.drain(..).map(|id| (id.to_owned(), format!("{stem}::{name}"))));
        }
    }
    // A script is one test.
    found.extend(ids.drain(..).map(|id| (id.to_owned(), format!("{}/{stem}", parent(file)))));
    found
}

fn parent(file: &Path) -> String {
    let parent: PathBuf = file.parent().map(Path::to_owned).unwrap_or_default();
    parent.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The name of the function that a line of Rust begins.
fn function(line: &str) -> Option<&str> {
    line.trim_start().trim_start_matches("pub ").strip_prefix("fn ")?.split(['(', '<']).next()
}

fn render(requirements: &[Requirement<'_>], covered: &Covered) -> (String, Findings) {
    let mut page = INTRODUCTION.to_owned();
    let mut findings = Findings::new();
    let mut sums = [0; 3];
    let mut body = String::new();
    for (group, title) in GROUPS {
        let _ = writeln!(
            body,
            "\n## {title} ({group})\n\n| Id | Level | Requirement | State |\n|---|---|---|---|"
        );
        let of_group = |r: &&Requirement<'_>| r.id.rsplit_once('-').is_some_and(|(name, _)| name == group);
        for r in requirements.iter().filter(of_group) {
            let state = match state(r, covered.get(r.id)) {
                Ok(state) => state,
                Err(finding) => {
                    findings.push(finding);
                    continue;
                }
            };
            let (index, text) = match state {
                State::Tested(tests) => (0, format!("tested: `{}`", tests.join("`, `"))),
                State::NotApplicable(why) => (1, format!("not applicable: {why}")),
                State::Open(takes) => (2, format!("open: {takes}")),
            };
            sums[index] += 1;
            let _ = writeln!(body, "| {} | {} | {} | {text} |", r.id, r.level, r.text);
        }
    }
    let [tested, not_applicable, open] = sums;
    let _ = writeln!(page, "\n{tested} are tested, {not_applicable} are not applicable, {open} are open.");
    page.push_str(&body);
    (page, findings)
}

fn state<'a>(requirement: &Requirement<'a>, tests: Option<&'a Vec<String>>) -> Result<State<'a>, String> {
    let Requirement { id, note, .. } = requirement;
    match (tests, note.split_once(": ")) {
        (Some(tests), None) if note.is_empty() => Ok(State::Tested(tests)),
        (Some(_), _) => Err(format!("{LIST}: {id} has a test: remove {note:?}")),
        (None, Some(("n/a", why))) => Ok(State::NotApplicable(why)),
        (None, Some(("open", takes))) => Ok(State::Open(takes)),
        (None, _) => Err(format!("{LIST}: {id} has no test: say `n/a: WHY` or `open: WHAT A TEST TAKES`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_belong_to_what_follows() {
        let rust = "/// covers: A-1 A-2\n#[test]\nfn first() {\n}\n    /// covers: A-2\n    fn second(\n";
        let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        assert_eq!(
            tags(Path::new("t/caps.rs"), rust),
            own(&[("A-1", "caps::first"), ("A-2", "caps::first"), ("A-2", "caps::second")])
        );
        let shell = "# covers: A-1\n# covers: A-2\nfail() {\n}\n";
        assert_eq!(
            tags(Path::new("tests/guest/x.sh"), shell),
            own(&[("A-1", "guest/x"), ("A-2", "guest/x")])
        );
        let whole = "//! covers: A-1\nfn f() {\n}\n";
        assert_eq!(tags(Path::new("src/registers/rules.rs"), whole), own(&[("A-1", "registers/A-1")]));
    }

    #[test]
    fn each_requirement_has_one_state() {
        let list = "id\tlevel\trequirement\tnote\nPCI-01\tMUST\tDo.\nPCI-02\tMAY\tLet.\tn/a: unused\n\
                    PCI-03\tMUST\tBe.\topen: a device\nPCI-04\tMUST\tGo.\nPCI-05\tMUST\tSo.\tn/a: no\n";
        let covered = ["PCI-01", "PCI-05"].map(|id| (id.to_owned(), vec!["t".to_owned()])).into();
        let (page, findings) = render(&requirements(list), &covered);
        assert!(page.contains("1 are tested, 1 are not applicable, 1 are open."));
        assert!(page.contains("| PCI-01 | MUST | Do. | tested: `t` |"));
        assert!(page.contains("| PCI-03 | MUST | Be. | open: a device |"));
        assert_eq!(findings.len(), 2);
        assert!(findings[0].contains("PCI-04 has no test") && findings[1].contains("PCI-05 has a test"));
    }
}
