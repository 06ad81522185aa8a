// SPDX-License-Identifier: GPL-2.0

//! The kernel that tests run on: sanitizers, lock checking, KUnit. Built here, as nobody ships one
//! with Rust and KASAN.

use super::{Kernel, archive, choice, config, local};
use crate::{BuildRoot, Context, cache::Key, progress::Step};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

/// To be raised when the code here changes what an entry contains.
const RECIPE: u32 = 1;

/// Free space that the source and its objects take, in MiB.
const SPACE: u64 = 6 << 10;

/// What is set beyond `tinyconfig`.
const FRAGMENT: &str = include_str!("../../../kconfig/debug.config");

/// All of LLVM's tools in the version that rustc is made with: KASAN with Rust needs one LLVM.
const LLVM: &str = "LLVM=-19";

pub(super) fn ensure(ctx: &Context, root: &BuildRoot) -> Result<Kernel> {
    let package = format!("linux-source-{}", choice::SERIES);
    let version = archive::newest(root, &package)?;
    let key = Key::new(RECIPE)
        .with("toolchain", root.toolchain()?)
        .with("fragment", FRAGMENT)
        .with("source", &version);
    let dir = ctx
        .cache
        .ensure("kernel-debug", &key, SPACE, |dir| make(ctx, root, &format!("{package}={version}"), dir))?;
    let kdir = dir.join("build");
    let release = local::release(&kdir)?;
    Ok(Kernel {
        vmlinuz: kdir.join("arch/x86/boot/bzImage"),
        modules_dir: dir.join("lib/modules").join(&release),
        kdir,
        make_args: vec![LLVM.to_owned()],
        name: "debug".to_owned(),
        id: key.id(),
        release,
    })
}

fn make(ctx: &Context, root: &BuildRoot, source: &str, dir: &Path) -> Result<()> {
    let log = ctx.cache.log("kernel-debug")?;
    let step = ctx.progress.step("debug kernel (takes a quarter of an hour on two cores)");
    let download = dir.join("download");
    archive::unpack(root, &[source.to_owned()], &download, dir, &log, &step)?;
    let build = dir.join("build");
    fs::create_dir(&build)?;
    let archive = archive::source_tarball(&dir.join("usr/src"))?;
    let maker = Maker { root, dir, log: &log, step: &step };
    maker.run(
        "tar",
        &["--strip-components=1", "--no-same-owner", "-C", "build", "-xf", &archive.to_string_lossy()],
    )?;
    for path in [&download, &dir.join("usr")] {
        fs::remove_dir_all(path).with_context(|| format!("{} can not be removed", path.display()))?;
    }

    maker.make(&["tinyconfig"])?;
    fs::write(build.join("rvirtio.config"), FRAGMENT)?;
    maker.run(
        "build/scripts/kconfig/merge_config.sh",
        &["-m", "-O", "build", "build/.config", "build/rvirtio.config"],
    )?;
    maker.make(&["olddefconfig"])?;
    let lost = config::unmet(FRAGMENT, &fs::read_to_string(build.join(".config"))?);
    if !lost.is_empty() {
        bail!("this kernel's configuration does not take: {}", lost.join(", "));
    }

    let jobs = format!("-j{}", thread::available_parallelism().map_or(1, usize::from));
    maker.make(&[&jobs, "bzImage", "modules"])?;
    maker.make(&["modules_install", &format!("INSTALL_MOD_PATH={}", dir.display())])?;
    remove_objects(&build)?;
    step.done();
    Ok(())
}

/// Runs the steps of the build, in the entry's directory.
struct Maker<'a> {
    root: &'a BuildRoot,
    dir: &'a Path,
    log: &'a Path,
    step: &'a Step,
}

impl Maker<'_> {
    fn run(&self, program: &str, args: &[&str]) -> Result<()> {
        let mut command = self.root.command("nice");
        command.arg(program).args(args).bind_rw(self.dir).current_dir(self.dir);
        command.run_logged(self.log, self.step)
    }

    fn make(&self, args: &[&str]) -> Result<()> {
        self.run("make", &[&["-s", "-C", "build", LLVM], args].concat())
    }
}

/// Modules are built against headers, metadata and host programs: objects are two thirds of the tree.
fn remove_objects(build: &Path) -> Result<()> {
    let mut directories = vec![build.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let path: PathBuf = entry.path();
            if entry.file_type()?.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|end| end == "o" || end == "a") {
                fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}
