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
    Check { name: "check/spdx", about: "Every source names its licence.", find: text::licences },
    Check {
        name: "check/machine-paths",
        about: "No file names a path of one machine.",
        find: text::machine_paths,
    },
    Check { name: "check/shell", about: "Shell scripts can be parsed.", find: text::shell },
    Check { name: "check/covers", about: "Tests name requirements that exist.", find: covers::unknown },
    Check {
        name: "check/conformance",
        about: "Documentation/conformance.md is what the tests say.",
        find: conformance::check,
    },
    Check {
        name: "check/unsafe-free",
        about: "Front ends and samples have no unsafe code.",
        find: unsafe_code::free,
    },
    Check {
        name: "check/unsafe-count",
        about: "Documentation/safety.md tells the number of unsafe blocks.",
        find: unsafe_code::counted,
    },
    Check {
        name: "check/doc-names",
        about: "Names and paths that the documents quote are in the tree.",
        find: names::documented,
    },
    Check {
        name: "check/net-features",
        about: "Documentation/network.md tells of every feature what the driver does.",
        find: net_features::documented,
    },
    Check { name: "check/modules", about: "Kconfig and README.md know every module.", find: names::modules },
    Check {
        name: "check/rustfmt-kernel",
        about: "Kernel code is formatted as in the kernel.",
        find: format::kernel,
    },
    Check { name: "check/rustfmt-tools", about: "The tools' code is formatted.", find: format::tools },
    Check { name: "check/checkpatch", about: "C code follows the kernel's style.", find: style::checkpatch },
    Check { name: "check/clippy-tools", about: "clippy finds nothing in the tools.", find: style::clippy },
    Check {
        name: "check/kernel-warnings",
        about: "The modules build with W=1 and clippy without a warning.",
        find: kernel_build::warnings,
    },
    Check { name: "check/rustdoc", about: "rustdoc has nothing to complain of.", find: rustdoc_warnings },
    Check {
        name: "check/front-end",
        about: "A front end that is added as front-ends.md says builds and passes the checks.",
        find: front_end::addable,
    },
];

/// Findings that are shown.
const SHOWN: usize = 30;

impl Check {
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
