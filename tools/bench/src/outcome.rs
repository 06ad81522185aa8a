// SPDX-License-Identifier: GPL-2.0

//! What a guest reports.

use crate::symbols::Symbols;
use anyhow::{Context as _, Result, bail};
use rvirtio_plugin::record::Snapshot;

/// Results of all phases of a guest.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One per phase.
    pub phases: Vec<Found>,
    /// One per phase, when the plugin counted.
    pub snapshots: Vec<Snapshot>,
    /// For the addresses in the snapshots.
    pub symbols: Symbols,
    /// Other lines: words, the first names the kind.
    pub facts: Vec<Vec<String>>,
    /// What executed the guest's code, KVM or TCG.
    pub accelerator: String,
}

/// What a phase left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Interrupts of its device.
    pub interrupts: u64,
    /// Packets that its interface sent and received, if it has one.
    pub packets: Option<(u64, u64)>,
    /// What the program said that made the load.
    pub said: String,
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

/// What executed the guest's code, by what `tools/vm` said: `guest: RELEASE, DRIVERS, ACCELERATOR (WHY)`.
///
/// # Errors
///
/// When it did not say so.
pub fn accelerator(said: &str) -> Result<&str> {
    let line = said.lines().find(|line| line.starts_with("guest: "));
    let word = line.and_then(|line| line.split(" (").next()?.rsplit(", ").next());
    word.context("tools/vm does not tell whether the guest had KVM")
}

/// Reads the text of a guest that went through `phases` phases.
///
/// # Errors
///
/// When a phase is missing.
pub fn parse(text: &str, phases: usize) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match words.first().map(String::as_str) {
            Some("phase") => {
                let interrupts =
                    words.get(2).and_then(|word| word.parse().ok()).context("a phase without interrupts")?;
                let number = |index: usize| words.get(index).and_then(|word| word.parse().ok());
                let packets = number(3).zip(number(4));
                let said = lines.by_ref().take_while(|line| *line != "end").flat_map(|line| [line, "\n"]);
                outcome.phases.push(Found { interrupts, packets, said: said.collect() });
            }
            Some(_) => outcome.facts.push(words),
            None => {}
        }
    }
    if outcome.phases.len() != phases {
        bail!("the guest went through {} of {phases} phases", outcome.phases.len());
    }
    Ok(outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "phase 0 17\nfio: a warning\n{}\nend\nmodule rvirtio 4096\n";

    #[test]
    fn reads_phases_and_facts() {
        let outcome = parse(TEXT, 1).unwrap();
        assert_eq!(
            outcome.phases,
            [Found { interrupts: 17, packets: None, said: "fio: a warning\n{}\n".to_owned() }]
        );
        assert_eq!(outcome.facts, [["module", "rvirtio", "4096"]]);
    }

    #[test]
    fn reads_packets() {
        let outcome = parse("phase 0 17 1000 20\n{}\nend\n", 1).unwrap();
        assert_eq!(outcome.phases[0].packets, Some((1000, 20)));
    }

    #[test]
    fn a_failed_run_gives_no_number() {
        assert!(parse(TEXT, 2).is_err(), "a phase is missing");
        assert!(parse(TEXT, 0).is_err(), "a phase too many");
        assert!(parse("phase 0\nend\n", 1).is_err(), "no interrupts");
        assert!(split(b"phase 0 17\n{").is_err(), "cut off");
    }

    #[test]
    fn reads_the_accelerator() {
        let said = "modules ...\nguest: 7.3.4+deb13-amd64, in-tree C drivers, TCG (as asked)\n";
        assert_eq!(accelerator(said).unwrap(), "TCG");
        assert!(accelerator("modules ...\n").is_err());
    }

    #[test]
    fn symbols_follow_the_text() {
        let (text, rest) = split(b"module x 1\nsymbols\n\x1f\x8b").unwrap();
        assert_eq!((text, rest), ("module x 1\n", &b"\x1f\x8b"[..]));
    }
}
