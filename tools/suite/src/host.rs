// SPDX-License-Identifier: GPL-2.0

//! Tests that run on the host: scripts that try the tools themselves.

use crate::{guest::Wanted, outcome::Outcome, script};
use anyhow::{Context as _, Result};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// A script of `tests/host` with one of its arguments.
#[derive(Debug)]
pub struct HostTest {
    /// `host/SCRIPT`, with the argument in brackets.
    pub name: String,
    /// What it shows.
    pub about: String,
    path: PathBuf,
    case: String,
    timeout: u64,
}

/// Those that are wanted.
pub fn tests(repo: &Path, wanted: Wanted<'_>) -> Result<Vec<HostTest>> {
    let dir = repo.join("tests/host");
    let mut tests = Vec::new();
    for (script, header) in script::all(&dir)? {
        for case in header.cases.iter().filter(|_| wanted.header(&header)) {
            let brackets = if case.is_empty() { String::new() } else { format!("[{case}]") };
            tests.push(HostTest {
                name: format!("host/{script}{brackets}"),
                about: header.about.trim().to_owned(),
                path: dir.join(format!("{script}.sh")),
                case: case.clone(),
                timeout: header.timeout,
            });
        }
    }
    tests.retain(|test| wanted.name(&test.name));
    Ok(tests)
}

impl HostTest {
    /// Runs it in a scratch directory of its own, with the source tree as `$REPO`.
    pub fn run(&self, repo: &Path, logs: &Path) -> Result<Outcome> {
        let dir = tempfile::tempdir().context("no temporary directory for a test")?;
        let log = logs.join(format!("{}.output", self.name.replace('/', "-")));
        let file = fs::File::create(&log).with_context(|| format!("{} cannot be made", log.display()))?;
        let started = Instant::now();
        let mut command = Command::new("timeout");
        command.args(["--kill-after=30", &self.timeout.to_string(), "sh"]).arg(&self.path);
        command.args(Some(&self.case).filter(|case| !case.is_empty()));
        command.env("REPO", repo).current_dir(dir.path());
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let status = command.status().context("timeout(1) cannot be started")?.code().unwrap_or(-1);
        Ok(self.outcome(started.elapsed(), status, &String::from_utf8_lossy(&fs::read(&log)?)).with_log(log))
    }

    fn outcome(&self, time: Duration, status: i32, output: &str) -> Outcome {
        match status {
            124 | 137 => {
                Outcome::failed(&self.name, time, format!("{output}\nnot done after {} s", self.timeout))
            }
            status => Outcome::of_script(&self.name, time, status, output),
        }
    }
}
