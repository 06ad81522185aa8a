// SPDX-License-Identifier: GPL-2.0

//! Kernels that are built here, from Debian's source.
//!
//! They share one tree: what two configurations have in common is compiled once. What a kernel
//! consists of is copied out of the tree when it is built.

use super::{Kernel, archive, choice, config, local};
use crate::{BuildRoot, BwrapCommand, Context, cache::Key, progress::Step};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    thread,
};

/// To be raised when the code here changes what entries contain.
const RECIPE: u32 = 1;

/// Free space that the source and its objects take, in MiB; and a kernel by itself.
const TREE_SPACE: u64 = 6 << 10;
const SPACE: u64 = 512;

/// All of LLVM's tools in the version that rustc is made with: KASAN with Rust needs one LLVM.
const LLVM: &str = "LLVM=-19";

/// Where the source is unpacked and built, in the tree's entry.
const SOURCE: &str = "build";

/// Of a build tree, what modules are built with, and what reads the results of KUnit.
const HEADERS: [&str; 10] = [
    "/.config",
    "/Makefile",
    "/Kbuild",
    "/Module.symvers",
    "/arch/x86/",
    "/include/",
    "/rust/",
    "/scripts/",
    "/tools/objtool/",
    "/tools/testing/kunit/",
];

/// A kernel to be.
pub(super) struct Recipe<'a> {
    /// Name in the cache, after `kernel-`.
    pub(super) name: &'a str,
    /// For the progress report.
    pub(super) title: &'a str,
    /// What is set beyond `tinyconfig`.
    pub(super) configuration: String,
    /// A program that is given the source tree before it is configured.
    pub(super) prepare: Option<&'a Path>,
    /// Everything else that it is made from.
    pub(super) key: Key,
}

impl Recipe<'_> {
    /// Finds the kernel in the cache or builds it.
    pub(super) fn ensure(self, ctx: &Context, root: &BuildRoot) -> Result<Kernel> {
        let tree = Tree::of(root)?;
        let key = self.key.clone().with("tree", tree.key.id()).with("configuration", &self.configuration);
        let name = format!("kernel-{}", self.name);
        let dir = ctx.cache.ensure(&name, &key, SPACE, |dir| {
            let log = ctx.cache.log(&name)?;
            let place = tree.ensure(ctx, root, &log)?;
            let _lock = ctx.cache.lock("kernel-tree-build", &tree.key)?;
            let step = ctx.progress.step(self.title);
            self.make(&Build { root, place: &place, log: &log, step: &step }, dir)?;
            step.done();
            Ok(())
        })?;
        ctx.cache.keep_only(&name, &key);
        let kdir = dir.join("build");
        let release = local::release(&kdir)?;
        Ok(Kernel {
            vmlinuz: dir.join("bzImage"),
            modules_dir: dir.join("lib/modules").join(&release),
            kdir,
            make_args: vec![LLVM.to_owned()],
            name: self.name.to_owned(),
            id: key.id(),
            release,
        })
    }

    /// Builds in the tree, and copies the kernel to `dir`.
    fn make(&self, build: &Build<'_>, dir: &Path) -> Result<()> {
        if let Some(program) = self.prepare {
            let mut command = build.command(program);
            let place = program.parent().and_then(Path::parent).context("the program has no directory")?;
            command.arg(build.source()).bind_ro(place).run_logged(build.log, build.step)?;
        }
        build.configure(&self.configuration)?;
        build.make(&[&jobs(), "bzImage", "modules"])?;
        build.copy(dir)
    }
}

/// The tree that all of them are built in.
struct Tree {
    /// A package and its version.
    source: String,
    key: Key,
}

impl Tree {
    fn of(root: &BuildRoot) -> Result<Self> {
        let package = format!("linux-source-{}", choice::SERIES);
        let source = format!("{package}={}", archive::newest(root, &package)?);
        let key = Key::new(RECIPE).with("toolchain", root.toolchain()?).with("source", &source);
        Ok(Self { source, key })
    }

    /// Finds it in the cache or fetches it.
    fn ensure(&self, ctx: &Context, root: &BuildRoot, log: &Path) -> Result<PathBuf> {
        let place = ctx.cache.ensure("kernel-tree", &self.key, TREE_SPACE, |place| {
            let step = ctx.progress.step("kernel source");
            Build { root, place, log, step: &step }.fetch(&self.source)?;
            step.done();
            Ok(())
        })?;
        ctx.cache.keep_only("kernel-tree", &self.key);
        Ok(place)
    }
}

/// The source that they are built from. Kernels may be being built in it.
pub(super) fn sources(ctx: &Context, root: &BuildRoot) -> Result<PathBuf> {
    Ok(Tree::of(root)?.ensure(ctx, root, &ctx.cache.log("kernel-tree")?)?.join(SOURCE))
}

fn jobs() -> String {
    format!("-j{}", thread::available_parallelism().map_or(1, usize::from))
}

/// Work on the source in a subdirectory of `place`.
struct Build<'a> {
    root: &'a BuildRoot,
    place: &'a Path,
    log: &'a Path,
    step: &'a Step,
}

impl Build<'_> {
    fn source(&self) -> PathBuf {
        self.place.join(SOURCE)
    }

    /// Downloads and unpacks `source`, a package and its version.
    fn fetch(&self, source: &str) -> Result<()> {
        let download = self.place.join("download");
        archive::unpack(self.root, &[source.to_owned()], &download, self.place, self.log, self.step)?;
        fs::create_dir(self.source())?;
        let tarball = archive::source_tarball(&self.place.join("usr/src"))?;
        let mut tar = self.command("tar");
        tar.args(["--strip-components=1", "--no-same-owner", "-C", SOURCE, "-xf"]).arg(tarball);
        tar.run_logged(self.log, self.step)?;
        for path in [&download, &self.place.join("usr")] {
            fs::remove_dir_all(path).with_context(|| format!("{} cannot be removed", path.display()))?;
        }
        Ok(())
    }

    /// # Errors
    ///
    /// When a dependency forbids some of `configuration`.
    fn configure(&self, configuration: &str) -> Result<()> {
        let source = self.source();
        self.make(&["tinyconfig"])?;
        fs::write(source.join("rvirtio.config"), configuration)?;
        let mut merge = self.command("build/scripts/kconfig/merge_config.sh");
        merge.args(["-m", "-O", SOURCE, "build/.config", "build/rvirtio.config"]);
        merge.run_logged(self.log, self.step)?;
        self.make(&["olddefconfig"])?;
        let lost = config::unmet(configuration, &fs::read_to_string(source.join(".config"))?).join(", ");
        if !lost.is_empty() {
            bail!("this kernel's configuration does not take: {lost}");
        }
        Ok(())
    }

    /// Copies image, modules, and what modules are built with.
    fn copy(&self, dir: &Path) -> Result<()> {
        let image = self.source().join("arch/x86/boot/bzImage");
        fs::copy(&image, dir.join("bzImage"))
            .with_context(|| format!("{} cannot be copied", image.display()))?;
        let mut install = self.command("make");
        install.args(["-s", "-C", SOURCE, LLVM, "modules_install"]);
        install.arg(format!("INSTALL_MOD_PATH={}", dir.display())).bind_rw(dir);
        install.run_logged(self.log, self.step)?;

        let mut rsync = self.command("rsync");
        rsync.args([
            "-a",
            "--prune-empty-dirs",
            "--exclude=*.o",
            "--exclude=*.a",
            "--exclude=/arch/x86/boot/",
        ]);
        for name in HEADERS {
            // What is above a directory has to be let in too.
            for (at, _) in name.trim_end_matches('/').match_indices('/').skip(1) {
                rsync.arg(format!("--include={}/", &name[..at]));
            }
            rsync.arg(format!("--include={name}{}", if name.ends_with('/') { "***" } else { "" }));
        }
        rsync.args(["--exclude=*", "build/"]).arg(dir.join("build")).bind_rw(dir);
        rsync.run_logged(self.log, self.step)
    }

    fn make(&self, args: &[&str]) -> Result<()> {
        let mut make = self.command("make");
        make.args(["-s", "-C", SOURCE, LLVM]).args(args);
        make.run_logged(self.log, self.step)
    }

    /// A command that leaves the machine to others who want it.
    fn command(&self, program: impl AsRef<Path>) -> BwrapCommand {
        let mut command = self.root.command("nice");
        command.arg(program.as_ref()).bind_rw(self.place).current_dir(self.place);
        command
    }
}
