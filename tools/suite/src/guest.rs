// SPDX-License-Identifier: GPL-2.0

//! Tests that run in guests: which there are, and which of them share a boot.

use crate::{header::Header, matrix, script, vm::Spec};
use anyhow::Result;
use std::path::{Path, PathBuf};

/// One run of a test script: in one guest, with one argument.
#[derive(Debug, Clone)]
pub struct Run {
    /// `guest/SCRIPT`, with label and case in brackets.
    pub name: String,
    /// Name of the script's file.
    pub script: String,
    /// Its argument, may be empty.
    pub case: String,
    /// Seconds.
    pub timeout: u64,
    /// What the test shows.
    pub about: String,
}

/// A guest and what runs in it, one after the other.
#[derive(Debug, Clone)]
pub struct Boot {
    /// The guest.
    pub spec: Spec,
    /// What runs in it, one at least.
    pub runs: Vec<Run>,
    alone: bool,
}

/// Which tests are wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Parts of names; none means all.
    pub filter: &'a [String],
    /// Slow ones too.
    pub full: bool,
    /// The kernel of guests for which their tests name none is the debug kernel.
    pub debug_kernel: bool,
    /// All of the matrix, not only as much as it takes to have all pairs.
    pub matrix: bool,
}

impl Wanted<'_> {
    /// Whether `name` was asked for.
    pub fn name(&self, name: &str) -> bool {
        self.filter.is_empty() || self.filter.iter().any(|word| name.contains(word.as_str()))
    }

    /// Whether a test with this header is to run.
    pub fn header(&self, header: &Header) -> bool {
        (header.debug_kernel || !self.debug_kernel) && (self.full || !header.full)
    }
}

/// Directory of the scripts.
pub fn scripts(repo: &Path) -> PathBuf {
    repo.join("tests/guest")
}

/// All boots with what is wanted. Runs whose guests are the same share one.
pub fn boots(repo: &Path, wanted: Wanted<'_>) -> Result<Vec<Boot>> {
    let mut boots: Vec<Boot> = Vec::new();
    for (script, header) in script::all(&scripts(repo))? {
        if !wanted.header(&header) {
            continue;
        }
        for vm in &header.vms {
            let spec = Spec::expand(&vm.options, &repo.join("tests/vm"))?;
            let run = |case: &str| Run {
                name: format!("guest/{script}{}", brackets(&vm.label, case)),
                script: format!("{script}.sh"),
                case: case.to_owned(),
                timeout: header.timeout,
                about: header.about.trim().to_owned(),
            };
            if header.matrix {
                boots.extend(matrix_boots(&spec, wanted, &run));
                continue;
            }
            let runs =
                header.cases.iter().map(|case| run(case)).filter(|run| wanted.name(&run.name)).collect();
            join(&mut boots, Boot { spec, runs, alone: header.alone });
        }
    }
    Ok(boots)
}

/// Disks of the matrix in one guest: a PCI bus has 32 slots.
const DISKS: usize = 20;

/// Guests with a disk for each combination that is wanted.
fn matrix_boots(spec: &Spec, wanted: Wanted<'_>, run: &dyn Fn(&str) -> Run) -> Vec<Boot> {
    let mut combinations = if wanted.matrix { matrix::all() } else { matrix::pairwise() };
    combinations.retain(|combination| wanted.name(&run(&matrix::name(combination)).name));
    let boot = |chunk: &[matrix::Combination]| {
        let mut spec = spec.clone();
        for combination in chunk {
            let options = matrix::options(combination);
            spec.disk(&matrix::name(combination), "raw", "34M", options.trim_start_matches(','));
        }
        let runs = chunk.iter().map(|combination| run(&matrix::name(combination))).collect();
        Boot { spec, runs, alone: true }
    };
    combinations.chunks(DISKS).map(boot).collect()
}

fn join(boots: &mut Vec<Boot>, boot: Boot) {
    if boot.runs.is_empty() {
        return;
    }
    match boots.iter_mut().find(|other| !other.alone && !boot.alone && other.spec == boot.spec) {
        Some(other) => other.runs.extend(boot.runs),
        None => boots.push(boot),
    }
}

/// `[label]`, `[case]`, `[label,case]` or nothing.
fn brackets(label: &str, case: &str) -> String {
    let words: Vec<&str> = [label, case].into_iter().filter(|word| !word.is_empty()).collect();
    if words.is_empty() { String::new() } else { format!("[{}]", words.join(",")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(scripts: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("tests/guest")).unwrap();
        for (name, declarations) in scripts {
            let text = format!("#!/bin/sh\n# About.\n#\n{declarations}");
            fs::write(dir.path().join("tests/guest").join(name), text).unwrap();
        }
        dir
    }

    const ALL: Wanted<'_> = Wanted { filter: &[], full: false, debug_kernel: false, matrix: false };

    fn names(boots: &[Boot]) -> Vec<Vec<&str>> {
        boots.iter().map(|boot| boot.runs.iter().map(|run| run.name.as_str()).collect()).collect()
    }

    #[test]
    fn same_guests_are_shared() {
        let dir = tree(&[
            ("a.sh", "# vm: x: --smp 1\n# vm: y: --smp 2\n"),
            ("b.sh", "# vm: --smp 1\n# cases: p q\n"),
            ("c.sh", "# vm: --smp 1\n# alone: yes\n"),
            ("d.sh", "# full: yes\n"),
            ("e.sh", "# vm: --smp 1 --kernel builtin\n"),
            ("lib", "no header\n"),
            ("z.sh", "# matrix: yes\n# full: yes\n"),
        ]);
        let boots = boots(dir.path(), ALL).unwrap();
        assert_eq!(
            names(&boots),
            [
                vec!["guest/a[x]", "guest/b[p]", "guest/b[q]"],
                vec!["guest/a[y]"],
                vec!["guest/c"],
                vec!["guest/e"]
            ]
        );
        assert_eq!(boots[3].spec.kernel.as_deref(), Some("builtin"));
    }

    #[test]
    fn matrix_makes_disks_and_cases() {
        let dir = tree(&[("m.sh", "# matrix: yes\n# vm: --smp 2\n")]);
        let all = boots(dir.path(), Wanted { matrix: true, ..ALL }).unwrap();
        assert!(all.len() > 10 && all.iter().all(|boot| boot.spec.disks.len() <= DISKS));
        let filter = ["q64m]".to_owned()];
        let some = boots(dir.path(), Wanted { filter: &filter, matrix: true, ..ALL }).unwrap();
        let names = names(&some).concat();
        assert!(!names.is_empty() && names.iter().all(|name| name.ends_with("q64m]")));
        assert_eq!(names[0], format!("guest/m[{}]", some[0].spec.disks[0].name));
    }

    #[test]
    fn filters() {
        let dir = tree(&[("a.sh", "# vm: x: --smp 1\n# vm: y: --smp 2\n"), ("b.sh", "# full: yes\n")]);
        let found = |filter: &[&str], full| {
            let filter: Vec<String> = filter.iter().map(|&word| word.to_owned()).collect();
            let boots = boots(dir.path(), Wanted { filter: &filter, full, ..ALL }).unwrap();
            names(&boots).concat().into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(found(&["[y]"], false), ["guest/a[y]"]);
        assert_eq!(found(&["b"], true), ["guest/b"]);
        assert!(found(&["b"], false).is_empty());
    }
}
