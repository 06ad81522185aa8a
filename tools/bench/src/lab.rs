// SPDX-License-Identifier: GPL-2.0

//! What every measurement needs: guest, modules, plugin, and what kind of machine this is.

use crate::marker;
use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rvirtio_provision::{BuildRoot, Context, Kernel, Step, build_modules};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{
    fs::{self, File},
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};
use tempfile::TempDir;

/// The tools that this program belongs to.
const TOOLS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// Our modules that a guest loads.
const MODULES: [&str; 5] = ["rvirtio", "rvirtio_pci", "rvirtio_blk", "rvirtio_net", "rvirtio_scsi"];

/// Where the figures come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    files: TempDir,
    _lock: File,
    root: BuildRoot,
    /// Shared object for QEMU.
    pub plugin: PathBuf,
    /// Names the kernel's image.
    pub kernel_id: String,
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
        // Locked, for tools/vm removes such directories when whoever made them was killed.
        let files = tempfile::Builder::new().prefix("run-bench-").tempdir_in(ctx.cache.root())?;
        let lock = File::open(files.path())?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .context("the run's own directory is locked")?;
        // Copies: who works on the sources meanwhile changes neither modules nor numbers.
        let built = build_modules(&ctx, &root, &kernel)?.join("drivers/rvirtio");
        let modules = files.path().join("modules");
        fs::create_dir(&modules)?;
        for name in MODULES {
            let file = built.join(format!("{name}.ko"));
            fs::copy(&file, modules.join(format!("{name}.ko")))
                .with_context(|| format!("{} cannot be copied", file.display()))?;
        }
        write_program(&files.path().join("marker"), &marker::program())?;
        fs::write(files.path().join("bench.sh"), include_str!("../guest/bench.sh"))?;

        let plugin = files.path().join("librvirtio_plugin.so");
        build_plugin(&root, &plugin)?;
        build_connect(&root, &files.path().join("connect"))?;
        let machine = Machine {
            processor: processor(),
            processors: thread::available_parallelism().map_or(1, usize::from),
            kernel: kernel.release.clone(),
            qemu: qemu_version(&root)?,
            commit: commit(&ctx.repo),
        };
        let image = fs::read(&kernel.vmlinuz)
            .with_context(|| format!("{} cannot be read", kernel.vmlinuz.display()))?;
        let kernel_id = Sha256::digest(image)
            .iter()
            .take(8)
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        Ok(Self { ctx, files, _lock: lock, root, plugin, kernel_id, kernel, machine })
    }

    /// Directory of this run's files.
    pub fn files(&self) -> &Path {
        self.files.path()
    }

    /// Directory that outlives this run.
    pub fn cache(&self) -> &Path {
        self.ctx.cache.root()
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

fn write_program(path: &Path, contents: &[u8]) -> Result<()> {
    let mut file = File::create(path)?;
    file.write_all(contents)?;
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// By the compiler of the build root alone: QEMU there loads it, with the C library that is there.
fn build_plugin(root: &BuildRoot, plugin: &Path) -> Result<()> {
    let source = Path::new(TOOLS).join("plugin/src").canonicalize().context("the plugin's source is gone")?;
    let dir = plugin.parent().context("the plugin has no directory")?;
    let mut rustc = root.command("rustc");
    rustc.args(["--crate-name", "rvirtio_plugin", "--crate-type", "cdylib", "--edition", "2024"]);
    rustc.args(["-C", "opt-level=2", "-C", "panic=abort", "-C", "strip=debuginfo", "-o"]).arg(plugin);
    rustc.arg(source.join("lib.rs")).bind_ro(&source).bind_rw(dir);
    rustc.run().context("QEMU's plugin does not build")
}

/// The guest has the same C library as the build root.
fn build_connect(root: &BuildRoot, program: &Path) -> Result<()> {
    let source =
        Path::new(TOOLS).join("bench/guest").canonicalize().context("the guest's programs are gone")?;
    let dir = program.parent().context("the program has no directory")?;
    let mut rustc = root.command("rustc");
    rustc.args(["--edition", "2024", "-C", "opt-level=2", "-C", "strip=debuginfo", "-o"]).arg(program);
    rustc.arg(source.join("connect.rs")).bind_ro(&source).bind_rw(dir);
    rustc.run().context("the program that makes connections does not build")
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
