// SPDX-License-Identifier: GPL-2.0

//! What a guest reports.

use crate::{session::Phase, symbols::Symbols, workload::Length};
use anyhow::{Context as _, Result, bail};
use rvirtio_plugin::record::Snapshot;
use serde::Deserialize;

/// Results of all phases of a session.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One per phase.
    pub phases: Vec<PhaseOutcome>,
    /// One per phase, when the plugin counted.
    pub snapshots: Vec<Snapshot>,
    /// For the addresses in the snapshots.
    pub symbols: Symbols,
    /// Other lines: words, the first names the kind.
    pub facts: Vec<Vec<String>>,
}

/// Result of one run of fio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PhaseOutcome {
    /// Interrupts of the disk.
    pub interrupts: u64,
    /// Accesses that were completed.
    pub operations: u64,
    /// Accesses per second.
    pub iops: f64,
}

/// What is read of fio's report.
#[derive(Deserialize)]
struct Report {
    jobs: Vec<Job>,
}

#[derive(Deserialize)]
struct Job {
    error: i64,
    read: Direction,
    write: Direction,
}

#[derive(Deserialize)]
struct Direction {
    iops: f64,
    total_ios: u64,
}

/// Line before the compressed list of symbols.
const SYMBOLS: &[u8] = b"\nsymbols\n";

/// The guest's output: text, and what follows it.
pub fn split(output: &[u8]) -> Result<(&str, &[u8])> {
    let at = output
        .windows(SYMBOLS.len())
        .position(|window| window == SYMBOLS)
        .context("the guest's results are cut off")?;
    Ok((std::str::from_utf8(&output[..=at])?, &output[at + SYMBOLS.len()..]))
}

/// Reads the text of a guest that went through `phases`.
///
/// # Errors
///
/// When a phase is missing, or did not do what it was told.
pub fn parse(text: &str, phases: &[Phase]) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match words.first().map(String::as_str) {
            Some("phase") => {
                let report: String = lines.by_ref().take_while(|line| *line != "end").collect();
                let phase =
                    phases.get(outcome.phases.len()).context("the guest went through too many phases")?;
                outcome.phases.push(parse_phase(&words, &report, phase.length)?);
            }
            Some(_) => outcome.facts.push(words),
            None => {}
        }
    }
    if outcome.phases.len() != phases.len() {
        bail!("the guest went through {} of {} phases", outcome.phases.len(), phases.len());
    }
    Ok(outcome)
}

fn parse_phase(words: &[String], report: &str, length: Length) -> Result<PhaseOutcome> {
    let interrupts = words.get(2).and_then(|word| word.parse().ok()).context("a phase without interrupts")?;
    // Warnings of fio come before the report.
    let report = &report[report.find('{').context("fio made no report")?..];
    let report: Report = serde_json::from_str(report).context("fio's report can not be read")?;
    let job = report.jobs.first().context("fio ran no job")?;
    if job.error != 0 {
        bail!("fio ended with error {}", job.error);
    }
    let operations = job.read.total_ios + job.write.total_ios;
    if matches!(length, Length::Operations(wanted) if wanted != operations) || operations == 0 {
        bail!("fio did {operations} accesses instead of {length:?}");
    }
    Ok(PhaseOutcome { interrupts, operations, iops: job.read.iops + job.write.iops })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{side::Side, workload::Workload};

    fn text(error: u32, operations: u64) -> String {
        format!(
            "phase 0 17\nfio: a warning\n{{\"jobs\": [{{\"error\": {error},\n\"read\": {{\"iops\": 1000.5, \"total_ios\": {operations}}},\n\
             \"write\": {{\"iops\": 0.0, \"total_ios\": 0}}}}]}}\nend\nmodule rvirtio 4096\n"
        )
    }

    fn phases(count: usize) -> Vec<Phase> {
        vec![Phase { side: Side::C, workload: Workload::reads(1), length: Length::Operations(500) }; count]
    }

    #[test]
    fn reads_phases_and_facts() {
        let outcome = parse(&text(0, 500), &phases(1)).unwrap();
        assert_eq!(outcome.phases, [PhaseOutcome { interrupts: 17, operations: 500, iops: 1000.5 }]);
        assert_eq!(outcome.facts, [["module", "rvirtio", "4096"]]);
    }

    #[test]
    fn a_failed_run_gives_no_number() {
        assert!(parse(&text(5, 500), &phases(1)).is_err(), "error of fio");
        assert!(parse(&text(0, 499), &phases(1)).is_err(), "too few accesses");
        assert!(parse(&text(0, 500), &phases(2)).is_err(), "a phase is missing");
        assert!(parse(&text(0, 500), &[]).is_err(), "a phase too many");
        assert!(split(b"phase 0 17\n{").is_err(), "cut off");
    }

    #[test]
    fn symbols_follow_the_text() {
        let (text, rest) = split(b"module x 1\nsymbols\n\x1f\x8b").unwrap();
        assert_eq!((text, rest), ("module x 1\n", &b"\x1f\x8b"[..]));
    }
}
