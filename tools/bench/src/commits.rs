// SPDX-License-Identifier: GPL-2.0

//! What is compared: saved results, or commits that are measured for it.

use crate::{
    cli::{Cli, Group},
    lab::Lab,
    results::Results,
    schedule,
};
use anyhow::{Context as _, Result, bail, ensure};
use std::{
    path::Path,
    process::{Command, Stdio},
};

/// Results from the file `what` if there is one, else those of the commit `what` of `repo`: instructions
/// per operation, as these can be compared when they were not counted in the same run.
///
/// # Errors
///
/// When it is neither, or the commit cannot be built or measured.
pub fn results(cli: &Cli, repo: &Path, what: &str) -> Result<Results> {
    if Path::new(what).is_file() {
        return Results::load(Path::new(what));
    }
    let Some(commit) = resolve(repo, what) else {
        bail!("{what} is neither a file with results (tools/vm bench --json FILE) nor a commit")
    };
    let source = tempfile::tempdir()?;
    unpack(repo, &commit, source.path())?;
    let mut lab = Lab::new(source.path(), cli.kver.as_deref())?;
    lab.machine.commit = commit.chars().take(12).collect();
    let mut results = Results { machine: lab.machine.clone(), ..Results::default() };
    let only = Cli { groups: vec![Group::Instructions], ..cli.clone() };
    let json = lab.cache().join(format!("performance-{}.json", lab.machine.commit));
    schedule::run(&only, &lab, &mut results, &json)?;
    if let Some(missing) = results.missing.first() {
        bail!("{what} was not measured: {missing}");
    }
    lab.note(&format!("results of {what}: {}", json.display()));
    Ok(results)
}

fn resolve(repo: &Path, what: &str) -> Option<String> {
    let revision = format!("{what}^{{commit}}");
    let mut git = git(repo);
    let output =
        git.args(["rev-parse", "--verify", "--quiet", "--end-of-options", &revision]).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// A copy, as that leaves no trace in the repository when this is interrupted.
fn unpack(repo: &Path, commit: &str, dir: &Path) -> Result<()> {
    let mut archive =
        git(repo).args(["archive", commit]).stdout(Stdio::piped()).spawn().context("git is needed")?;
    let tar = Command::new("tar")
        .arg("-x")
        .arg("-C")
        .arg(dir)
        .stdin(archive.stdout.take().context("no pipe")?)
        .status();
    let made = archive.wait()?.success();
    ensure!(tar.context("tar is needed")?.success() && made, "commit {commit} cannot be unpacked");
    Ok(())
}

fn git(repo: &Path) -> Command {
    let mut git = Command::new("git");
    git.arg("-C").arg(repo);
    git
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser as _;

    #[test]
    fn neither_a_file_nor_a_commit() {
        let cli = Cli::parse_from(["bench"]);
        let repo = tempfile::tempdir().unwrap();
        for what in ["no-such-thing", "--help", ""] {
            let error = results(&cli, repo.path(), what).unwrap_err().to_string();
            assert!(error.contains("neither a file"), "{error}");
        }
    }

    #[test]
    fn commits_are_unpacked() {
        let repo = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let who = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
            assert!(git(repo.path()).args(who).args(arguments).status().unwrap().success());
        };
        run(&["init", "-q"]);
        std::fs::write(repo.path().join("file"), "old").unwrap();
        run(&["add", "file"]);
        run(&["commit", "-q", "-m", "first"]);
        std::fs::write(repo.path().join("file"), "new").unwrap();
        let commit = resolve(repo.path(), "HEAD").unwrap();
        let dir = tempfile::tempdir().unwrap();
        unpack(repo.path(), &commit, dir.path()).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("file")).unwrap(), "old");
        assert!(unpack(repo.path(), "nothing", dir.path()).is_err());
    }
}
