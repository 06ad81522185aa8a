// SPDX-License-Identifier: GPL-2.0

//! Rust metadata for the headers of a Debian kernel.
//!
//! Debian's `linux-headers` packages lack what rustc needs of the kernel's Rust crates. They are built
//! again from the source of the same version with the same configuration and compilers, and checked: the
//! symbols that they export must be those that the kernel exports.

use crate::{BuildRoot, BwrapCommand, kernel::Headers, progress::Step};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

/// What rust-analyzer reads, and what stands in it for the headers directory.
pub(crate) const PROJECT: &str = "rust-project.json";
pub(crate) const KDIR: &str = "@kdir@";

/// What the package for DKMS has for the same, which also compares the symbols.
const SCRIPT: &str = include_str!("../../../dkms/rust-metadata");

/// Regenerates the metadata for `headers`.
pub(crate) struct Regeneration<'a> {
    /// Has the compilers.
    pub(crate) root: &'a BuildRoot,
    pub(crate) headers: &'a Headers,
    pub(crate) log: &'a Path,
    pub(crate) step: &'a Step,
}

impl Regeneration<'_> {
    /// Unpacks the kernel source in `archive` below `work`, builds its Rust crates and checks that
    /// they are those of the kernel. Returns the source tree.
    pub(crate) fn run(&self, archive: &Path, work: &Path) -> Result<PathBuf> {
        fs::create_dir_all(work).with_context(|| format!("{} cannot be made", work.display()))?;
        self.check_compiler(work)?;
        let tree = work.join("source");
        fs::create_dir_all(&tree)?;
        let file = archive.to_string_lossy();
        self.call("tar", &["--strip-components=1", "--no-same-owner", "-xf", &file], &tree, archive)?;
        fs::copy(self.headers.dir().join(".config"), tree.join(".config"))?;
        let jobs = format!("-j{}", thread::available_parallelism().map_or(1, usize::from));
        for target in ["olddefconfig", "prepare"] {
            self.make(&[&jobs, target], &tree, archive)?;
        }
        let rust = Headers::open(&tree)?;
        if rust.config("CONFIG_RUST") != Some("y") {
            bail!(
                "Rust is not available to the kernel build: rustc, rust-src or bindgen is missing or unfit \
                 (see {})",
                self.log.display()
            );
        }
        let (rust, symvers) = (tree.join("rust"), self.headers.dir().join("Module.symvers"));
        let mut compare = self.root.command("sh");
        compare.args(["-c", SCRIPT, "rust-metadata", "--compare"]).arg(&rust).arg(&symvers);
        compare.bind_ro(&tree).bind_ro(symvers).run_logged(self.log, self.step)?;
        Ok(tree)
    }

    /// Puts the metadata of the built source `tree` into the headers directory `kdir`, and the
    /// settings of clippy and rustfmt also into `common`, where kbuild looks for them.
    pub(crate) fn install(&self, tree: &Path, kdir: &Path, common: &Path) -> Result<()> {
        let rust = kdir.join("rust");
        fs::create_dir_all(&rust).with_context(|| format!("{} cannot be made", rust.display()))?;
        for entry in fs::read_dir(tree.join("rust"))? {
            let path = entry?.path();
            if path.extension().is_some_and(|end| end == "rmeta" || end == "so") {
                copy(&path, &rust)?;
            }
        }
        // Made only for architectures that bring a target of their own.
        let target = tree.join("scripts/target.json");
        if target.is_file() {
            copy(&target, &kdir.join("scripts"))?;
        }
        for settings in [".clippy.toml", ".rustfmt.toml"] {
            for dir in [kdir, common] {
                copy(&tree.join(settings), dir)?;
            }
        }
        Ok(())
    }

    /// Puts what editors need into the headers directory `kdir`, which is below `dir` as `tree` is: the
    /// sources of the crates, and what the kernel tells rust-analyzer of them.
    pub(crate) fn install_sources(&self, tree: &Path, dir: &Path, kdir: &Path) -> Result<()> {
        self.make(&["rust-analyzer"], tree, tree)?;
        let from = format!("{}/rust/", tree.display());
        let to = format!("{}/rust/", kdir.display());
        self.call("rsync", &["-am", "--include=*/", "--include=*.rs", "--exclude=*", &from, &to], dir, dir)?;
        let project = fs::read_to_string(tree.join(PROJECT))?;
        // Neither directory stays where it is.
        fs::write(kdir.join(PROJECT), project.replace(&*tree.to_string_lossy(), KDIR))?;
        Ok(())
    }

    /// Another rustc makes other symbols: say so before the work, not after it.
    fn check_compiler(&self, work: &Path) -> Result<()> {
        let Some(wanted) = self.headers.config("CONFIG_RUSTC_VERSION_TEXT") else {
            return Ok(());
        };
        let found = self.command("rustc", &["--version"], work, work).output()?;
        if found.trim() != wanted {
            bail!(
                "the kernel was built with {wanted}, but {} is installed: install that of the kernel's Debian release",
                found.trim()
            );
        }
        Ok(())
    }

    fn make(&self, args: &[&str], dir: &Path, read: &Path) -> Result<()> {
        let variables = self.headers.make_args()?;
        let args: Vec<&str> =
            variables.iter().map(String::as_str).chain(["HOSTCC=gcc"]).chain(args.iter().copied()).collect();
        self.call("make", &args, dir, read)
    }

    fn call(&self, program: &str, args: &[&str], dir: &Path, read: &Path) -> Result<()> {
        self.command(program, args, dir, read).run_logged(self.log, self.step)
    }

    /// A command that starts in `dir` and may write there, and that can read `read`.
    fn command(&self, program: &str, args: &[&str], dir: &Path, read: &Path) -> BwrapCommand {
        let mut command = self.root.command(program);
        command.args(args).bind_ro(read).bind_rw(dir).current_dir(dir);
        command
    }
}

fn copy(file: &Path, dir: &Path) -> Result<()> {
    let to = dir.join(file.file_name().unwrap_or_default());
    fs::copy(file, &to)
        .map(drop)
        .with_context(|| format!("{} cannot be copied to {}", file.display(), to.display()))
}
