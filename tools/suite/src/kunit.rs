// SPDX-License-Identifier: GPL-2.0

//! KUnit tests: run in a guest on the debug kernel, and judged by the kernel's own `kunit.py`.

use crate::outcome::{Outcome, Tally, tail};
use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Context, Kernel};
use serde::Deserialize;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// Name of all of them together.
pub const NAME: &str = "kunit";

/// What they show.
pub const ABOUT: &str = "The parts that need no device, in the debug kernel.";

/// What they run on.
pub const KERNEL: &str = "debug";

/// The module that holds the suites. Loading it runs them.
const MODULE: &str = "rvirtio_kunit";

/// A module that some of them are about.
const DRIVER: &str = "rvirtio_net";

/// What the guest gets, in seconds.
const TIMEOUT: &str = "400";

/// A group of tests, as `kunit.py parse --json` tells of it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    name: String,
    sub_groups: Vec<Group>,
    test_cases: Vec<Case>,
}

/// A test.
#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    status: String,
}

/// Runs all suites: one outcome for each.
pub fn run(ctx: &Context, root: &BuildRoot, repo: &Path, logs: &Path) -> Result<Vec<Outcome>> {
    let started = Instant::now();
    let log = logs.join("kunit.output");
    let failed =
        |detail: String| Ok(vec![Outcome::failed(NAME, started.elapsed(), detail).with_log(log.clone())]);

    // Before the guest starts, so that its time is only its own.
    let kernel = Kernel::debug(ctx, root)?;
    let mut command = Command::new(repo.join("tools/vm"));
    command.args(["exec", "--kernel", KERNEL, "--timeout", TIMEOUT, "--log"]).arg(logs.join("kunit.console"));
    let run = format!("modprobe {DRIVER} && dmesg --clear && modprobe {MODULE} && dmesg --notime");
    command.args(["--", "sh", "-c", &run]).stdin(Stdio::null());
    let output = command.output().context("tools/vm cannot be started")?;
    fs::write(&log, &output.stdout).with_context(|| format!("{} cannot be written", log.display()))?;
    if !output.status.success() {
        return failed(tail(&String::from_utf8_lossy(&output.stderr)));
    }
    let groups = match parse(root, &kernel, &log) {
        Ok(groups) => groups,
        Err(error) => return failed(format!("{error:#}")),
    };
    let mut outcomes: Vec<Outcome> =
        groups.iter().map(|group| outcome(group, started.elapsed()).with_log(log.clone())).collect();
    if outcomes.is_empty() {
        outcomes = failed(format!("{MODULE} ran no tests"))?;
    }
    Ok(outcomes)
}

/// Has the kernel's tool make sense of the log.
fn parse(root: &BuildRoot, kernel: &Kernel, log: &Path) -> Result<Vec<Group>> {
    let tool = kernel.kdir.join("tools/testing/kunit/kunit.py");
    let mut command = root.command("python3");
    command.bind_ro(&kernel.kdir).bind_ro(log);
    command.arg(&tool).args(["parse", "--json=stdout"]).arg(log);
    let text =
        command.command()?.stderr(Stdio::inherit()).output().context("kunit.py cannot be started")?.stdout;
    let text = String::from_utf8_lossy(&text);
    // Before the JSON it prints what people read.
    let Some(start) = text.find("\n{") else {
        bail!("kunit.py finds no tests in {}:\n{}", log.display(), tail(&text));
    };
    let mut documents = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Group>();
    let all = documents.next().context("kunit.py has printed no JSON")??;
    Ok(suites(all))
}

/// The groups that have tests.
fn suites(group: Group) -> Vec<Group> {
    let Group { name, sub_groups, test_cases } = group;
    let mut found: Vec<Group> = sub_groups.into_iter().flat_map(suites).collect();
    if !test_cases.is_empty() {
        found.push(Group { name, sub_groups: Vec::new(), test_cases });
    }
    found
}

fn outcome(group: &Group, time: Duration) -> Outcome {
    let mut tally = Tally::default();
    let mut bad = Vec::new();
    for case in &group.test_cases {
        match case.status.as_str() {
            "PASS" => tally.passed += 1,
            "SKIP" => tally.skipped += 1,
            status => {
                tally.failed += 1;
                bad.push(format!("{}: {status}", case.name));
            }
        }
    }
    Outcome::new(format!("{NAME}/{}", group.name), time, tally, bad.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_counted() {
        let text = r#"{"name": "KUnit Test Group", "arch": "UM", "test_cases": [], "sub_groups": [
            {"name": "a", "sub_groups": [], "test_cases": [
                {"name": "x", "status": "PASS"}, {"name": "y", "status": "FAIL"}, {"name": "z", "status": "SKIP"}]},
            {"name": "b", "test_cases": [{"name": "x", "status": "ERROR"}]}]}"#;
        let outcomes: Vec<Outcome> =
            suites(serde_json::from_str(text).unwrap()).iter().map(|g| outcome(g, Duration::ZERO)).collect();
        assert_eq!(outcomes[0].name, "kunit/a");
        assert_eq!(outcomes[0].tally, Tally { passed: 1, failed: 1, skipped: 1 });
        assert_eq!(outcomes[0].detail, "y: FAIL");
        assert_eq!(outcomes[1].tally, Tally { passed: 0, failed: 1, skipped: 0 });
    }
}
