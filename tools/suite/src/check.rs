// SPDX-License-Identifier: GPL-2.0

//! Checks of the sources, each counted as a test.

pub mod covers;
mod format;
mod front_end;
mod kernel_build;
mod names;
mod net_features;
mod style;
mod text;
mod unsafe_code;

use crate::{cargo::Cargo, conformance, modules::Builder, outcome::Outcome, rustc::Modules, rustdoc};
use anyhow::{Context as _, Result};
use rvirtio_provision::{BuildRoot, Context, Kernel};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Instant,
};

/// What a check found: nothing, or lines that say what is wrong.
pub type Findings = Vec<String>;

/// A check.
pub struct Check {
    /// For example `check/rustfmt-tools`.
    pub name: &'static str,
    /// What passing means.
    pub about: &'static str,
    find: fn(&Sources<'_>) -> Result<Findings>,
}

/// All checks, quick ones first.
pub const ALL: [Check; 17] = [
    Check::new("check/spdx", "Every source names its licence.", text::licences),
    Check::new("check/machine-paths", "No file names a path of one machine.", text::machine_paths),
    Check::new("check/shell", "Shell scripts can be parsed.", text::shell),
    Check::new("check/covers", "Tests name requirements that exist.", covers::unknown),
    Check::new(
        "check/conformance",
        "Documentation/conformance.md is what the tests say.",
        conformance::check,
    ),
    Check::new("check/unsafe-free", "Front ends and samples have no unsafe code.", unsafe_code::free),
    Check::new(
        "check/unsafe-count",
        "Documentation/safety.md tells the number of unsafe blocks.",
        unsafe_code::counted,
    ),
    Check::new(
        "check/doc-names",
        "Names and paths that the documents quote are in the tree.",
        names::documented,
    ),
    Check::new(
        "check/net-features",
        "Documentation/network.md tells of every feature what the driver does.",
        net_features::documented,
    ),
    Check::new("check/modules", "Kconfig and README.md know every module.", names::modules),
    Check::new("check/rustfmt-kernel", "Kernel code is formatted as in the kernel.", format::kernel),
    Check::new("check/rustfmt-tools", "The tools' code is formatted.", format::tools),
    Check::new("check/checkpatch", "C code follows the kernel's style.", style::checkpatch),
    Check::new("check/clippy-tools", "clippy finds nothing in the tools.", style::clippy),
    Check::new(
        "check/kernel-warnings",
        "The modules build with W=1 and clippy without a warning.",
        kernel_build::warnings,
    ),
    Check::new("check/rustdoc", "rustdoc has nothing to complain of.", rustdoc_warnings),
    Check::new(
        "check/front-end",
        "A front end that is added as front-ends.md says builds and passes the checks.",
        front_end::addable,
    ),
];

/// Findings that are shown.
const SHOWN: usize = 30;

impl Check {
    const fn new(
        name: &'static str,
        about: &'static str,
        find: fn(&Sources<'_>) -> Result<Findings>,
    ) -> Self {
        Self { name, about, find }
    }

    /// Runs it.
    pub fn run(&self, sources: &Sources<'_>) -> Result<Outcome> {
        let started = Instant::now();
        let findings = (self.find)(sources)?;
        if findings.is_empty() {
            return Ok(Outcome::passed(self.name, started.elapsed()));
        }
        let mut lines: Vec<String> = findings.iter().take(SHOWN).cloned().collect();
        if findings.len() > SHOWN {
            lines.push(format!("and {} more", findings.len() - SHOWN));
        }
        Ok(Outcome::failed(self.name, started.elapsed(), lines.join("\n")))
    }
}

/// The sources and what they are checked with.
pub struct Sources<'a> {
    /// Knows the cache.
    pub ctx: &'a Context,
    /// The source tree.
    pub repo: &'a Path,
    /// Has the tools, always the same versions.
    pub root: &'a BuildRoot,
    /// The kernel that modules are built for, with the kernel's own settings of the tools.
    pub kernel: &'a Kernel,
    /// Builds them.
    pub modules: Builder<'a>,
    /// For the tools' workspace.
    pub cargo: &'a Cargo<'a>,
    /// All files that are not ignored, relative to the tree.
    files: Vec<PathBuf>,
}

impl<'a> Sources<'a> {
    /// Finds the files of the source tree.
    pub fn find(ctx: &'a Context, modules: Builder<'a>, cargo: &'a Cargo<'a>) -> Result<Self> {
        let repo = &*ctx.repo;
        let Builder { root, kernel, .. } = modules;
        let mut git = root.command("git");
        git.args(["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        git.bind_ro(repo).current_dir(repo);
        if let Some(dir) = worktree_of(repo) {
            git.bind_ro(dir);
        }
        let list = git.output().context("the checks need a git checkout, to know which files are sources")?;
        let mut files: Vec<PathBuf> = list.split_terminator('\0').map(PathBuf::from).collect();
        files.retain(|file| repo.join(file).is_file());
        files.sort();
        files.dedup();
        Ok(Self { ctx, repo, root, kernel, modules, cargo, files })
    }

    /// Files below one of `dirs` whose name ends in one of `ends`.
    pub fn select(&self, dirs: &[&str], ends: &[&str]) -> Vec<&Path> {
        let below = |file: &Path| dirs.iter().any(|dir| file.starts_with(dir));
        let wanted =
            |file: &Path| ends.iter().any(|end| file.extension().is_some_and(|extension| extension == *end));
        self.files.iter().map(PathBuf::as_path).filter(|file| below(file) && wanted(file)).collect()
    }

    /// Contents of a file; what is no text counts as empty.
    pub fn read(&self, file: &Path) -> Result<String> {
        let bytes =
            fs::read(self.repo.join(file)).with_context(|| format!("{} cannot be read", file.display()))?;
        Ok(String::from_utf8(bytes).unwrap_or_default())
    }
}

/// The git directory that the worktree `repo` belongs to, which is elsewhere.
fn worktree_of(repo: &Path) -> Option<PathBuf> {
    let link = fs::read_to_string(repo.join(".git")).ok()?;
    let dir = Path::new(link.strip_prefix("gitdir:")?.trim());
    Some(dir.parent()?.parent()?.to_owned())
}

fn rustdoc_warnings(sources: &Sources<'_>) -> Result<Findings> {
    let out = tempfile::tempdir().context("no temporary directory for the documentation")?;
    rustdoc::make(&Modules::build(sources.ctx, sources.root, sources.kernel)?, out.path())
}

/// Runs a tool that prints its findings: no findings when it succeeds, else its lines.
fn lines_of(mut command: Command) -> Result<Findings> {
    let output = command.output().context("bwrap cannot be started")?;
    if output.status.success() {
        return Ok(Findings::new());
    }
    let text = [output.stdout, output.stderr].concat();
    let mut lines: Findings = String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(str::to_owned)
        .collect();
    if lines.is_empty() {
        lines.push(format!("it ended with {}", output.status));
    }
    Ok(lines)
}
