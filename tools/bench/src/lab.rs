// SPDX-License-Identifier: GPL-2.0

//! What every measurement needs: guest, modules, plugin, and what kind of machine this is.

use anyhow::{Context as _, Result, bail};
use rvirtio_plugin::code::MARKER;
use rvirtio_provision::{BuildRoot, Context, Kernel, Scratch, Step, build_modules};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

/// The tools that this program belongs to.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Our modules that a guest loads.
const MODULES: [&str; 5] = ["rvirtio", "rvirtio_pci", "rvirtio_blk", "rvirtio_net", "rvirtio_scsi"];

/// Where the figures come from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Processor model of the host.
    pub processor: String,
    /// Processors of the host.
    pub processors: usize,
    /// Kernel of the guest.
    pub kernel: String,
    /// QEMU's version.
    pub qemu: String,
    /// The commit that was measured; `+` when the sources had been changed since.
    pub commit: String,
}

/// A guest that can be started, and the tools to measure it.
pub struct Lab {
    ctx: Context,
    files: Scratch,
    root: BuildRoot,
    /// Shared object for QEMU.
    pub plugin: PathBuf,
    kernel: Kernel,
    /// For reports.
    pub machine: Machine,
}

impl Lab {
    /// Builds what is missing, our modules from the source tree `source`.
    ///
    /// # Errors
    ///
    /// When the modules or the plugin do not build, or the build root cannot be made.
    pub fn new(source: &Path, kver: Option<&str>) -> Result<Self> {
        let ctx = Context::new(source)?;
        let root = BuildRoot::ensure(&ctx)?;
        let kernel = Kernel::stock(&ctx, &root, kver)?;
        let files = Scratch::create(ctx.cache.root())?;
        // Copies: who works on the sources meanwhile changes neither modules nor numbers.
        let built = build_modules(&ctx, &root, &kernel)?.join("drivers/rvirtio");
        let modules = files.path().join("modules");
        fs::create_dir(&modules)?;
        for name in MODULES {
            let file = built.join(format!("{name}.ko"));
            fs::copy(&file, modules.join(format!("{name}.ko")))
                .with_context(|| format!("{} cannot be copied", file.display()))?;
        }
        fs::write(files.path().join("bench.sh"), include_str!("../guest/bench.sh"))?;
        let build = |compiler: &str, args: &[&str], source: &str, name: &str| {
            let program = files.path().join(name);
            compile(&root, compiler, args, source, &program).map(|()| program)
        };
        let marker = format!("-DMARKER={MARKER}");
        build("gcc", &["-nostdlib", "-static", &marker], "bench/guest/marker.S", "marker")?;
        let rustc = ["--edition", "2024", "-C", "opt-level=2", "-C", "strip=debuginfo"];
        build("rustc", &rustc, "bench/guest/connect.rs", "connect")?;
        let plugin = ["--crate-name", "rvirtio_plugin", "--crate-type", "cdylib", "-C", "panic=abort"];
        let plugin = [&rustc[..], &plugin].concat();
        let plugin = build("rustc", &plugin, "plugin/src/lib.rs", "librvirtio_plugin.so")?;
        let machine = Machine {
            processor: processor(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.release.clone(),
            qemu: qemu_version(&root)?,
            commit: commit(&ctx.repo),
        };
        Ok(Self { ctx, files, root, plugin, kernel, machine })
    }

    /// Directory of this run's files.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Directory that outlives this run.
    pub fn cache(&self) -> &Path {
        self.ctx.cache.root()
    }

    /// Where the kernel's own symbols are kept.
    pub fn symbols(&self) -> PathBuf {
        self.cache().join(format!("symbols-{}-{}", self.kernel.release, self.kernel.id))
    }

    /// The source tree whose modules are measured.
    pub fn source(&self) -> &Path {
        &self.ctx.repo
    }

    /// Where compilers, QEMU and servers are.
    pub fn root(&self) -> &BuildRoot {
        &self.root
    }

    /// Says what to do when QEMU can load no plugin.
    ///
    /// # Errors
    ///
    /// Then.
    pub fn needs_plugins(&self) -> Result<()> {
        let help = self.root.command("qemu-system-x86_64").arg("-help").output()?;
        if !has_plugins(&help) {
            bail!(
                "QEMU {} was built without TCG plugins, which count instructions: `tools/vm clean` and try \
                 again with a mirror that has Debian's qemu-system-x86 (RVIRTIO_MIRROR names one)",
                self.machine.qemu
            );
        }
        Ok(())
    }

    /// Starts a step of the progress report.
    pub fn step(&self, name: &str) -> Step {
        self.ctx.progress.step(name)
    }

    /// Tells the user.
    pub fn note(&self, text: &str) {
        self.ctx.progress.note(text);
    }

    /// `tools/vm exec` for this kernel, with the files that every guest gets.
    pub fn exec(&self) -> Command {
        let mut command = Command::new(Path::new(TOOLS).join("vm"));
        command.args(["exec", "--kver", &self.kernel.release]);
        for name in ["bench.sh", "modules", "marker", "connect"] {
            command.arg("--copy").arg(self.files.path().join(name));
        }
        command
    }
}

/// Builds `program` by a compiler of the build root: QEMU, which loads the plugin, and the guest have the C
/// library that is there.
fn compile(root: &BuildRoot, compiler: &str, args: &[&str], source: &str, program: &Path) -> Result<()> {
    let file = Path::new(TOOLS).join(source).canonicalize().with_context(|| format!("{source} is gone"))?;
    let dir = |path: &Path| path.parent().map(Path::to_owned).unwrap_or_default();
    let mut command = root.command(compiler);
    command.args(args).arg("-o").arg(program).arg(&file).bind_ro(dir(&file)).bind_rw(dir(program));
    command.run().with_context(|| format!("{source} does not build"))
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown".to_owned(), |(_, model)| model.trim().to_owned())
}

fn qemu_version(root: &BuildRoot) -> Result<String> {
    let text = root.command("qemu-system-x86_64").arg("--version").output()?;
    match text.split_whitespace().nth(3) {
        Some(version) => Ok(version.to_owned()),
        None => bail!("QEMU does not tell its version"),
    }
}

/// Whether QEMU has the option, by its help.
fn has_plugins(help: &str) -> bool {
    help.lines().any(|line| line.starts_with("-plugin "))
}

/// Not every source tree is a git repository.
fn commit(repo: &Path) -> String {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(repo).args(args).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else { return "unknown".to_owned() };
    let changed = git(&["status", "--porcelain", "--", "drivers"]).is_some_and(|text| !text.is_empty());
    if changed { commit + "+" } else { commit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plugins_are_an_option_of_qemu() {
        assert!(has_plugins("-accel [accel=]accelerator\n-plugin [file=]<file>[,<argname>=<argvalue>]\n"));
        assert!(!has_plugins("-accel [accel=]accelerator\n                -plugin is not there\n"));
    }
}
