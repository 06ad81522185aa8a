// SPDX-License-Identifier: GPL-2.0

//! How something that is counted ended.

use std::{path::PathBuf, time::Duration};

/// One test, one check, or all tests of one crate.
#[derive(Debug)]
pub struct Outcome {
    /// For example `guest/blk-flush` or `check/rustfmt`.
    pub name: String,
    /// How long it took.
    pub time: Duration,
    /// Tests that passed, failed and were skipped.
    pub tally: Tally,
    /// Why it failed or was skipped; the end of its output. Empty when it passed.
    pub detail: String,
    /// Where all output is kept.
    pub log: Option<PathBuf>,
}

/// Numbers of tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Did what was expected.
    pub passed: usize,
    /// Did something else.
    pub failed: usize,
    /// Could not be run here.
    pub skipped: usize,
}

impl Tally {
    /// Sum of both.
    pub fn add(&mut self, other: Tally) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

impl Outcome {
    /// A single test that passed.
    pub fn passed(name: impl Into<String>, time: Duration) -> Self {
        Self::new(name, time, Tally { passed: 1, ..Tally::default() }, String::new())
    }

    /// A single test that failed.
    pub fn failed(name: impl Into<String>, time: Duration, detail: impl Into<String>) -> Self {
        Self::new(name, time, Tally { failed: 1, ..Tally::default() }, detail.into())
    }

    /// A single test that could not be run.
    pub fn skipped(name: impl Into<String>, time: Duration, reason: impl Into<String>) -> Self {
        Self::new(name, time, Tally { skipped: 1, ..Tally::default() }, reason.into())
    }

    /// Any number of tests.
    pub fn new(name: impl Into<String>, time: Duration, tally: Tally, detail: String) -> Self {
        Self { name: name.into(), time, tally, detail, log: None }
    }

    /// Adds where all of the output is.
    pub fn with_log(mut self, log: PathBuf) -> Self {
        self.log = Some(log);
        self
    }

    /// By the exit status of a test script: 0 passed, 77 skipped with its last line as the reason.
    pub fn of_script(name: impl Into<String>, time: Duration, status: i32, output: &str) -> Self {
        match status {
            0 => Self::passed(name, time),
            77 => Self::skipped(name, time, output.lines().last().unwrap_or("no reason given")),
            status => Self::failed(name, time, format!("{}\nexit status {status}", tail(output))),
        }
    }
}

/// Lines of output that a failure shows.
const TAIL: usize = 25;

/// The end of a longer text.
pub fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_status_decides() {
        let of = |status| Outcome::of_script("t", Duration::ZERO, status, "a\nb\n");
        assert_eq!(of(0).tally, Tally { passed: 1, ..Tally::default() });
        assert_eq!((of(77).tally.skipped, of(77).detail), (1, "b".to_owned()));
        for status in [1, 70, 124, 125, 139] {
            assert_eq!(of(status).tally, Tally { failed: 1, ..Tally::default() });
            assert!(of(status).detail.starts_with("a\nb\n"));
        }
    }

    #[test]
    fn tail_is_the_end() {
        let text: String = (0..100).map(|n| format!("{n}\n\n")).collect::<Vec<_>>().concat();
        assert!(tail(&text).starts_with("75\n76\n") && tail(&text).ends_with("\n99"));
    }
}
