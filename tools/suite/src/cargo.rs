// SPDX-License-Identifier: GPL-2.0

//! cargo on the tools' workspace: unit tests, and the checks of its sources.

use crate::outcome::{Outcome, Tally, tail};
use anyhow::{Context as _, Result};
use rvirtio_provision::{BuildRoot, Cache};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// The oldest cargo that builds the tools: 1.85.
const MINIMUM: u32 = 85;

/// Where certificates lie; `SSL_CERT_FILE` may point into one of these.
const CERTIFICATES: [&str; 3] =
    ["/etc/ssl/certs", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates"];

/// Tests that cargo runs.
pub struct Unit {
    /// What they are called.
    pub name: &'static str,
    /// What they show.
    pub about: &'static str,
    dir: &'static str,
    args: &'static [&'static str],
}

/// All of them.
pub const UNITS: [Unit; 2] = [
    Unit {
        name: "unit/tools",
        about: "Unit and property tests of the rings, the parsers and the tools.",
        dir: "",
        args: &["test", "--workspace", "--no-fail-fast", "--quiet"],
    },
    Unit {
        name: "unit/ring-interleavings",
        about: "Barriers of the ring, by all interleavings with a device.",
        dir: "ringtest",
        args: &["loom"],
    },
];

/// Runs cargo on the workspace in `REPO/tools`.
pub struct Cargo<'a> {
    /// The source tree.
    pub repo: &'a Path,
    /// Has a cargo of its own.
    pub root: &'a BuildRoot,
    /// Where that cargo keeps what it downloads.
    pub cache: &'a Cache,
}

impl Cargo<'_> {
    /// Runs tests.
    pub fn run(&self, unit: &Unit, log: PathBuf) -> Result<Outcome> {
        let Unit { name, dir, args, .. } = *unit;
        let started = Instant::now();
        let mut command = if host_is_new_enough() { self.here(dir, args) } else { self.in_root(dir, args)? };
        let output = command.output().context("cargo cannot be started")?;
        let text = [output.stdout, output.stderr].concat();
        fs::write(&log, &text).with_context(|| format!("{} cannot be written", log.display()))?;
        let text = String::from_utf8_lossy(&text);
        let mut tally = results(&text);
        // Something may fail before any test does: the build.
        if !output.status.success() && tally.failed == 0 {
            tally.failed = 1;
        }
        if tally == Tally::default() {
            tally.failed = 1;
        }
        let detail = if tally.failed > 0 { tail(&text) } else { String::new() };
        Ok(Outcome::new(name, started.elapsed(), tally, detail).with_log(log))
    }

    /// The host's cargo, as `tools/vm` uses it.
    fn here(&self, dir: &str, args: &[&str]) -> Command {
        let mut command = Command::new("cargo");
        command.args(args).current_dir(self.repo.join("tools").join(dir));
        command
    }

    /// The build root's cargo: always the same version.
    pub fn in_root(&self, dir: &str, args: &[&str]) -> Result<Command> {
        let tools = self.repo.join("tools");
        let target = tools.join("target/root");
        let home = self.cache.root().join("cargo");
        for dir in [&target, &home] {
            fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
        }
        let mut command = self.root.command("cargo");
        command.args(args).current_dir(tools.join(dir));
        command.env("CARGO_HOME", &home).env("CARGO_TARGET_DIR", &target);
        command.bind_ro(self.repo).bind_rw(&target).bind_rw(&home);
        for dir in CERTIFICATES.iter().map(Path::new).filter(|dir| dir.is_dir()) {
            command.bind_ro(dir);
        }
        if let Some(file) = env::var_os("SSL_CERT_FILE") {
            command.env("SSL_CERT_FILE", file);
        }
        command.command()
    }
}

/// Whether the host has a cargo that can build the workspace.
fn host_is_new_enough() -> bool {
    let Ok(output) = Command::new("cargo").arg("--version").output() else { return false };
    let text = String::from_utf8_lossy(&output.stdout);
    minor_version(&text).is_some_and(|minor| minor >= MINIMUM)
}

/// 85 of `cargo 1.85.0 (d73d2caf9 2024-12-31)`.
fn minor_version(text: &str) -> Option<u32> {
    text.strip_prefix("cargo 1.")?.split('.').next()?.parse().ok()
}

/// The sum of all `test result:` lines.
fn results(text: &str) -> Tally {
    let mut sum = Tally::default();
    for line in text.lines().filter_map(|line| line.trim().strip_prefix("test result: ")) {
        let number = |word: &str| {
            let before = line.split(word).next().unwrap_or_default();
            before
                .rsplit([' ', '.'])
                .find(|part| !part.is_empty())
                .and_then(|part| part.parse().ok())
                .unwrap_or(0)
        };
        sum.add(Tally { passed: number(" passed"), failed: number(" failed"), skipped: number(" ignored") });
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_added() {
        let text = "running 2 tests\n..\ntest result: ok. 45 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out\n\
            test result: FAILED. 3 passed; 2 failed; 0 ignored; 0 measured; 10 filtered out; finished in 0.1s\n";
        assert_eq!(results(text), Tally { passed: 48, failed: 2, skipped: 1 });
        assert_eq!(results("error: could not compile"), Tally::default());
    }

    #[test]
    fn versions() {
        assert_eq!(minor_version("cargo 1.85.0 (d73d2caf9 2024-12-31)"), Some(85));
        assert_eq!(minor_version("cargo 1.95.0-nightly"), Some(95));
        assert_eq!(minor_version("zsh: cargo not found"), None);
    }
}
