// SPDX-License-Identifier: GPL-2.0

//! What the user sees: a line for each outcome as it comes, the sum at the end.

use crate::outcome::{Outcome, Tally};
use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressStyle};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// Collects outcomes. Lines go to standard output; on a terminal a spinner says what runs.
pub struct Report {
    sum: Tally,
    failures: Vec<String>,
    bar: ProgressBar,
    interrupted: Arc<AtomicBool>,
}

impl Report {
    /// An empty report. From now on ^C ends what runs in order, instead of ending us.
    pub fn new() -> Result<Self> {
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, interrupted.clone()).context("signals cannot be handled")?;
        }
        // Draws nothing where there is no terminal.
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Ok(Self { sum: Tally::default(), failures: Vec::new(), bar, interrupted })
    }

    /// Whether the user wants to stop.
    pub fn interrupted(&self) -> Arc<AtomicBool> {
        self.interrupted.clone()
    }

    /// Says what runs now.
    pub fn running(&self, name: &str) {
        self.bar.set_message(name.to_owned());
        self.bar.reset_elapsed();
    }

    /// Counts and prints an outcome.
    pub fn add(&mut self, outcome: Outcome) {
        self.sum.add(outcome.tally);
        let line = line(&outcome);
        self.bar.suspend(|| println!("{line}"));
        if outcome.tally.failed > 0 {
            self.failures.push(outcome.name);
        }
    }

    /// Prints the sum; whether something was run and nothing failed.
    pub fn finish(self) -> bool {
        self.bar.finish_and_clear();
        if !self.failures.is_empty() {
            println!("failed: {}", self.failures.join(" "));
        }
        if self.interrupted.load(Ordering::Relaxed) {
            println!("interrupted: not all was run");
        }
        println!("{}", self.sum);
        self.sum.failed == 0 && self.sum.passed > 0 && !self.interrupted.load(Ordering::Relaxed)
    }
}

fn line(outcome: &Outcome) -> String {
    let Tally { passed, failed, skipped } = outcome.tally;
    let word = match (passed, failed, skipped) {
        (_, 1.., _) => "FAILED ",
        (0, 0, 1..) => "skipped",
        _ => "ok     ",
    };
    let mut line = format!("{word} {:>7.1} s  {}", outcome.time.as_secs_f64(), outcome.name);
    if passed + failed + skipped > 1 {
        line.push_str(&format!(": {}", outcome.tally));
    }
    if failed == 0 && skipped > 0 && !outcome.detail.is_empty() {
        line.push_str(&format!(": {}", outcome.detail));
    }
    if failed > 0 {
        for text in outcome.detail.lines() {
            line.push_str(&format!("\n    {text}"));
        }
        if let Some(log) = &outcome.log {
            line.push_str(&format!("\n    all of it: {}", log.display()));
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let time = Duration::from_millis(1500);
        assert_eq!(line(&Outcome::passed("a", time)), "ok          1.5 s  a");
        assert_eq!(line(&Outcome::skipped("a", time, "no b")), "skipped     1.5 s  a: no b");
        let failed = Outcome::failed("a", time, "x\ny").with_log("/l".into());
        assert_eq!(line(&failed), "FAILED      1.5 s  a\n    x\n    y\n    all of it: /l");
        let many = Outcome::new("c", time, Tally { passed: 3, failed: 0, skipped: 1 }, String::new());
        assert_eq!(line(&many), "ok          1.5 s  c: 3 passed, 0 failed, 1 skipped");
    }
}
