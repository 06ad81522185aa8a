// SPDX-License-Identifier: GPL-2.0

//! Requirements that tests say they cover.

use super::{Findings, Sources};
use crate::conformance::{LIST, TESTS};
use anyhow::Result;
use std::{collections::HashSet, path::Path};

pub(super) fn unknown(sources: &Sources<'_>) -> Result<Findings> {
    let list = sources.read(Path::new(LIST))?;
    let known: HashSet<&str> = list.lines().skip(1).filter_map(|line| line.split('\t').next()).collect();
    let mut findings = Findings::new();
    for file in sources.select(&TESTS, &["sh", "rs", "py"]) {
        for (number, line) in sources.read(file)?.lines().enumerate() {
            for id in covered(line).filter(|id| !known.contains(id)) {
                findings.push(format!("{}:{}: {id} is not in {LIST}", file.display(), number + 1));
            }
        }
    }
    Ok(findings)
}

/// Ids that a comment names after `covers:`.
pub fn covered(line: &str) -> impl Iterator<Item = &str> {
    let text = line.trim_start().trim_start_matches(['#', '/', '!']).trim_start();
    text.strip_prefix("covers:").into_iter().flat_map(str::split_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_comments() {
        let ids = |line| covered(line).collect::<Vec<_>>();
        assert_eq!(ids("# covers: BLK-01 PCI-2"), ["BLK-01", "PCI-2"]);
        assert_eq!(ids("    /// covers: RING-S-1"), ["RING-S-1"]);
        assert!(ids("it covers: much").is_empty());
    }
}
