// SPDX-License-Identifier: GPL-2.0

//! The table of all features of network devices in the documentation, against what the driver says.

use super::{Findings, Sources};
use anyhow::Result;
use std::{collections::BTreeMap, path::Path};

const DRIVER: &str = "drivers/rvirtio/net";
const TESTS: &str = "tests/guest";
const PAGE: &str = "Documentation/network.md";

/// Rows of [`PAGE`] are the bits of the specification; each tells whether the driver accepts the feature,
/// and tests that there are.
pub(super) fn documented(sources: &Sources<'_>) -> Result<Findings> {
    let read = |name: &str| sources.read(&Path::new(DRIVER).join(name));
    let exists = |name: &str| match name.strip_prefix("guest/") {
        Some(test) => sources.repo.join(TESTS).join(format!("{test}.sh")).is_file(),
        None => sources.repo.join(DRIVER).join(format!("{name}.rs")).is_file(),
    };
    let page = sources.read(Path::new(PAGE))?;
    Ok(compare(&page, &read("spec/feature.rs")?, &read("features.rs")?, exists))
}

fn compare(page: &str, spec: &str, driver: &str, exists: impl Fn(&str) -> bool) -> Findings {
    let bits = bits(spec);
    let accepted = accepted(driver);
    let mut rows = rows(page);
    let mut findings = Findings::new();
    if bits.is_empty() || accepted.is_empty() {
        findings.push(format!("{DRIVER}: no features were found there"));
    }
    for (bit, name) in bits {
        let Some(row) = rows.remove(&bit) else {
            findings.push(format!("{PAGE}: there is no row for bit {bit}, {name}"));
            continue;
        };
        let state = if accepted.contains(&name) { "accepted" } else { "not accepted" };
        if row.name != name {
            findings.push(format!("{PAGE}: bit {bit} is {name}, not {}", row.name));
        }
        if !row.state.strip_prefix(state).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', ' ']))
        {
            findings.push(format!("{PAGE}: {name} is {state}"));
        }
        let tests: Vec<&str> = row.tests.split('`').skip(1).step_by(2).collect();
        if tests.is_empty() {
            findings.push(format!("{PAGE}: no test of {name} is named"));
        }
        let missing = tests.into_iter().filter(|test| !exists(test));
        findings.extend(missing.map(|test| format!("{PAGE}: {name}: there is no {test}")));
    }
    findings.extend(rows.keys().map(|bit| format!("{PAGE}: {DRIVER} has no bit {bit}")));
    findings
}

/// Lines `NAME = BIT, "VIRTIO_NET_F_NAME";`.
fn bits(spec: &str) -> Vec<(u32, &str)> {
    let line = |line: &'_ str| -> Option<(u32, usize)> {
        let (name, rest) = line.trim().split_once(" = ")?;
        let (bit, alias) = rest.split_once(", \"VIRTIO_NET_F_")?;
        alias.starts_with(name).then_some(())?;
        Some((bit.parse().ok()?, name.len()))
    };
    spec.lines().filter_map(|text| line(text).map(|(bit, len)| (bit, &text.trim()[..len]))).collect()
}

/// Words of the list `FEATURES`.
fn accepted(driver: &str) -> Vec<&str> {
    let start = driver.split_once("FEATURES: &[Feature] = &[").map_or("", |(_, rest)| rest);
    let list = start.split_once(']').map_or("", |(list, _)| list);
    list.split(',').map(str::trim).filter(|word| !word.is_empty()).collect()
}

struct Row<'a> {
    name: &'a str,
    state: &'a str,
    tests: &'a str,
}

/// Rows `| BIT | NAME | STATE | TESTS |`.
fn rows(page: &str) -> BTreeMap<u32, Row<'_>> {
    let row = |line| {
        let cells: Vec<&str> = str::trim(line).split('|').map(str::trim).collect();
        match cells[..] {
            ["", bit, name, state, tests, ""] => Some((bit.parse().ok()?, Row { name, state, tests })),
            _ => None,
        }
    };
    page.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str =
        "    /// Text.\n    CSUM = 0, \"VIRTIO_NET_F_CSUM\";\n    MQ = 22, \"VIRTIO_NET_F_MQ\";\n";
    const DRIVER: &str = "pub const FEATURES: &[Feature] = &[\n    CSUM,\n];\n";

    fn found(csum: &str, mq: &str) -> Findings {
        let page = format!("| Bit | F | State | Shown by |\n|--:|---|---|---|\n{csum}\n{mq}\n");
        compare(&page, SPEC, DRIVER, |name| name == "guest/net")
    }

    #[test]
    fn page_says_what_the_driver_does() {
        let csum = "| 0 | CSUM | accepted: offload | `guest/net` |";
        let mq = "| 22 | MQ | not accepted yet | `guest/net` |";
        assert!(found(csum, mq).is_empty());
        for (csum, mq) in [
            ("", mq),
            (csum, ""),
            ("| 0 | CSUM | not accepted | `guest/net` |", mq),
            (csum, "| 22 | MQ | accepted | `guest/net` |"),
            (csum, "| 22 | MQX | not accepted | `guest/net` |"),
            (csum, "| 22 | MQ | not accepted | `guest/gone` |"),
            (csum, "| 22 | MQ | not accepted | none |"),
            (csum, "| 22 | MQ | not accepted | `guest/net` |\n| 23 | X | accepted | `guest/net` |"),
        ] {
            assert_eq!(found(csum, mq).len(), 1, "{csum} {mq}");
        }
    }
}
