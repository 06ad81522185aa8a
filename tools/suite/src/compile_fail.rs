// SPDX-License-Identifier: GPL-2.0

//! Programs that must not compile: what safe code is kept from doing, by types.
//!
//! Each file of `tests/compile-fail` begins with
//!
//! ```text
//! // SPDX-License-Identifier: GPL-2.0
//!
//! //! A sentence that says what the program tries.
//! //!
//! //! claim: Device storage
//! //! error: E0597
//! ```
//!
//! `claim:` is the section of `Documentation/safety.md` that says it cannot be done, `error:` a part of every
//! error that rustc has to give. With `--cfg good` the program has to compile: so the error is that of the
//! lines which are left out then, and not of a mistake in the rest or here.

use crate::{outcome::Outcome, rustc::Modules};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

/// Where the programs are.
const DIR: &str = "tests/compile-fail";

/// A program that must not compile.
#[derive(Debug, PartialEq, Eq)]
pub struct Program {
    /// `compile-fail/FILE`.
    pub name: String,
    /// What it tries.
    pub about: String,
    claim: String,
    error: String,
    path: PathBuf,
}

/// All programs, by their names.
pub fn programs(repo: &Path) -> Result<Vec<Program>> {
    let dir = repo.join(DIR);
    let mut programs = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("{} cannot be read", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path)?;
            programs.push(Program::parse(path, &text)?);
        }
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

impl Program {
    fn parse(path: PathBuf, text: &str) -> Result<Self> {
        let head: Vec<&str> =
            text.lines().filter_map(|line| line.strip_prefix("//!")).map(str::trim).collect();
        let value = |key: &str| {
            let found = head.iter().find_map(|line| line.strip_prefix(key));
            found
                .map(|value| value.trim().to_owned())
                .with_context(|| format!("{} has no {key}", path.display()))
        };
        let (claim, error) = (value("claim:")?, value("error:")?);
        let about: Vec<&str> = head.iter().copied().take_while(|line| !line.is_empty()).collect();
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self { name: format!("compile-fail/{name}"), about: about.join(" "), claim, error, path })
    }
}

impl Program {
    /// Compiles it in both forms against the modules of `repo`.
    pub fn try_out(&self, repo: &Path, modules: &Modules<'_>) -> Result<Outcome> {
        let started = Instant::now();
        let safety = fs::read_to_string(repo.join("Documentation/safety.md"))?;
        let complaint = if safety.lines().any(|line| line.trim_start_matches('#').trim() == self.claim) {
            complaint(&self.error, &self.errors(modules, &["--cfg", "good"])?, &self.errors(modules, &[])?)
        } else {
            Some(format!("safety.md has no section {}", self.claim))
        };
        Ok(match complaint {
            None => Outcome::passed(&self.name, started.elapsed()),
            Some(text) => Outcome::failed(&self.name, started.elapsed(), text),
        })
    }

    /// Errors of rustc with the flags that a module has, and all our library crates.
    fn errors(&self, modules: &Modules<'_>, flags: &[&str]) -> Result<Vec<String>> {
        let user = modules.crates.iter().find(|user| user.flags.iter().any(|flag| flag == "rvirtio"));
        let dir = tempfile::tempdir().context("no temporary directory to compile in")?;
        let mut rustc = modules.command("rustc", user.context("no module uses core")?);
        rustc.args(["-Dunsafe_code", "-Aunused", "-Amissing_docs", "--error-format=short"]);
        for library in &modules.crates {
            if let Some(metadata) = &library.metadata {
                rustc.args(["--extern", &format!("{}={}", library.name, metadata.display())]);
                rustc.arg("-L").arg(metadata.parent().unwrap_or(metadata));
            }
        }
        rustc.arg(format!("--emit=metadata={}/program.rmeta", dir.path().display()));
        rustc.args(["--crate-name", "program"]).args(flags).arg(&self.path).bind_rw(dir.path());
        let output = rustc.command()?.output().context("bwrap cannot be started")?;
        let text = String::from_utf8_lossy(&output.stderr);
        let is_error = |line: &&str| line.contains("error: ") || line.contains("error[");
        let errors: Vec<String> = text
            .lines()
            .filter(is_error)
            .filter(|line| !line.contains("error: aborting due to"))
            .map(str::to_owned)
            .collect();
        if errors.is_empty() != output.status.success() {
            bail!("rustc ended with {} and said: {text}", output.status);
        }
        Ok(errors)
    }
}

/// What is wrong with the errors of the good and of the bad form, when `expected` is what has to be.
fn complaint(expected: &str, good: &[String], bad: &[String]) -> Option<String> {
    if !good.is_empty() {
        return Some(format!("does not compile even with --cfg good:\n{}", good.join("\n")));
    }
    if bad.is_empty() {
        return Some(format!("compiles, without an error {expected}"));
    }
    let others: Vec<&str> = bad.iter().filter(|line| !line.contains(expected)).map(String::as_str).collect();
    (!others.is_empty()).then(|| format!("has another error than {expected}:\n{}", others.join("\n")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_complete() {
        let of = |text| Program::parse(PathBuf::from("x/a-b.rs"), text);
        let text =
            "// SPDX\n\n//! Tries\n//! much.\n//!\n//! claim: Storage\n//! error: E0597\n\nfn f() {}\n";
        let program = of(text).unwrap();
        assert_eq!((program.name.as_str(), program.about.as_str()), ("compile-fail/a-b", "Tries much."));
        assert_eq!((program.claim.as_str(), program.error.as_str()), ("Storage", "E0597"));
        assert!(of("//! Tries.\n//!\n//! error: E0597\n").is_err());
    }

    #[test]
    fn only_the_expected_error_passes() {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        let borrowed = lines("a.rs:1:2: error[E0597]: `x` does not live long enough");
        assert_eq!(complaint("E0597", &[], &borrowed), None);
        assert!(complaint("E0597", &[], &[]).unwrap().contains("compiles"));
        assert!(complaint("E0382", &[], &borrowed).unwrap().contains("another error"));
        assert!(complaint("E0597", &borrowed, &borrowed).unwrap().contains("--cfg good"));
        let more = lines("a.rs:1:2: error[E0597]: x\na.rs:1:2: error[E0433]: no crate");
        assert!(complaint("E0597", &[], &more).unwrap().contains("E0433"));
    }
}
