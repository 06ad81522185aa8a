// SPDX-License-Identifier: GPL-2.0

//! Builds of the modules apart from the cached ones.

use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Cache, Kernel};
use std::{
    fs,
    path::Path,
    process::{Command, Output},
    thread,
};

/// What a build needs.
#[derive(Clone, Copy)]
pub struct Builder<'a> {
    /// Has the compilers.
    pub root: &'a BuildRoot,
    /// What the modules are built for.
    pub kernel: &'a Kernel,
    /// Holds the kernel.
    pub cache: &'a Cache,
}

impl Builder<'_> {
    /// Builds the modules of the tree `repo` into `out`, with variables such as `W=1`.
    pub fn build(&self, repo: &Path, out: &Path, variables: &[&str]) -> Result<Output> {
        let kernel = self.kernel;
        let mut make = self.root.command("make");
        make.arg(format!("-j{}", thread::available_parallelism().map_or(1, usize::from)));
        make.args(["-C".as_ref(), kernel.kdir.as_os_str()]).args(&kernel.make_args).args(variables);
        make.arg(format!("M={}", repo.display())).arg(format!("MO={}", out.display())).arg("modules");
        make.bind_ro(self.cache.root()).bind_ro(&kernel.kdir).bind_ro(repo).bind_rw(out);
        make.command()?.output().context("bwrap cannot be started")
    }

    /// Builds the modules from a copy of `repo` below `dir` in which core's sources differ, by a comment
    /// only. Core is then `dir/built/drivers/rvirtio/rvirtio.ko`.
    pub fn build_other_core(&self, repo: &Path, dir: &Path) -> Result<()> {
        let (copy, out) = (dir.join("other"), dir.join("built"));
        fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
        fs::create_dir_all(&copy).with_context(|| format!("{} cannot be made", copy.display()))?;
        let mut command = Command::new("cp");
        command
            .arg("-r")
            .args(["Kbuild", "Kconfig", "drivers", "samples"].map(|name| repo.join(name)))
            .arg(&copy);
        if !command.status().context("cp cannot be started")?.success() {
            bail!("the sources cannot be copied to {}", copy.display());
        }
        let changed = copy.join("drivers/rvirtio/core/rvirtio.rs");
        let text =
            fs::read_to_string(&changed).with_context(|| format!("{} cannot be read", changed.display()))?;
        fs::write(&changed, text + "// Another version.\n")?;
        let output = self.build(&copy, &out, &[])?;
        if !output.status.success() {
            bail!("a changed core does not build:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }
}
