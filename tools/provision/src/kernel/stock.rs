// SPDX-License-Identifier: GPL-2.0

//! Debian's own kernels: packages of the archive, completed with Rust metadata.

use super::{Headers, Kernel, archive, choice};
use crate::{BuildRoot, Context, cache::Key, rust_metadata::Regeneration};
use anyhow::{Context as _, Result, bail};
use std::{fs, os::unix::fs::symlink, path::Path};

/// To be raised when the code here changes what an entry contains.
const RECIPE: u32 = 2;

/// Free space that making one takes (mostly the kernel source), in MiB.
const SPACE: u64 = 4 << 10;

pub(super) fn ensure(ctx: &Context, root: &BuildRoot, kver: Option<&str>) -> Result<Kernel> {
    let release = with_new_lists(root, || choose(root, kver))?;
    let key = Key::new(RECIPE).with("toolchain", root.toolchain()?).with("release", &release);
    let name = format!("kernel-{release}");
    let dir = ctx.cache.ensure(&name, &key, SPACE, |dir| make(ctx, root, &release, dir))?;
    describe(&dir, release, key.id())
}

pub(super) fn releases(root: &BuildRoot) -> Result<Vec<String>> {
    let packages = archive::kernels(root)?;
    Ok(choice::releases(packages.lines(), root.arch()).into_iter().map(str::to_owned).collect())
}

fn choose(root: &BuildRoot, kver: Option<&str>) -> Result<String> {
    let packages = archive::kernels(root)?;
    choice::choose(&choice::releases(packages.lines(), root.arch()), kver).map(str::to_owned)
}

/// What failed may be newer than the build root, and known to the mirror; if not, the first answer stands.
fn with_new_lists<T>(root: &BuildRoot, work: impl Fn() -> Result<T>) -> Result<T> {
    work().or_else(|error| {
        archive::refresh(root).map_err(|_| error)?;
        work()
    })
}

fn describe(dir: &Path, release: String, id: String) -> Result<Kernel> {
    let modules_dir = dir.join("usr/lib/modules").join(&release);
    let vmlinuz = [dir.join("boot").join(format!("vmlinuz-{release}")), modules_dir.join("vmlinuz")]
        .into_iter()
        .find(|path| path.is_file())
        .with_context(|| format!("the packages of {release} hold no bootable image"))?;
    let kdir = dir.join("usr/src").join(format!("linux-headers-{release}"));
    let make_args = Headers::open(&kdir)?.make_args()?;
    Ok(Kernel { name: release.clone(), release, vmlinuz, modules_dir, kdir, make_args, id })
}

fn make(ctx: &Context, root: &BuildRoot, release: &str, dir: &Path) -> Result<()> {
    let log = ctx.cache.log(&format!("kernel-{release}"))?;
    let step = ctx.progress.step(&format!("kernel {release}"));
    let source = with_new_lists(root, || source(root, release))?;
    let download = dir.join("download");
    let mut packages = archive::parts(root, release)?;
    packages.push(source);
    with_new_lists(root, || archive::unpack(root, &packages, &download, dir, &log, &step))?;
    fs::remove_dir_all(&download)?;
    complete_modules(root, release, dir)?;
    step.done();

    let step = ctx.progress.step(&format!("Rust metadata of {release}"));
    let headers = Headers::open(&dir.join("usr/src").join(format!("linux-headers-{release}")))?;
    headers.check_rust()?;
    let work = dir.join("work");
    let source = archive::source_tarball(&dir.join("usr/src"))?;
    let regeneration = Regeneration { root, headers: &headers, log: &log, step: &step };
    let tree = regeneration.run(&source, &work)?;
    let common = headers.common()?;
    let common = common.file_name().map(|name| Path::new("..").join(name)).unwrap_or_default();
    headers.relocate(&common)?;
    regeneration.install(&tree, headers.dir(), &headers.dir().join(common))?;
    regeneration.install_sources(&tree, dir, headers.dir())?;
    keep_checkpatch(&tree, headers.dir())?;
    fs::remove_dir_all(&work)?;
    fs::remove_file(&source)?;
    step.done();
    Ok(())
}

/// The kernel's style checker, which the headers package leaves out, and the lists that it reads.
fn keep_checkpatch(tree: &Path, kdir: &Path) -> Result<()> {
    for file in ["checkpatch.pl", "spelling.txt", "const_structs.checkpatch"] {
        let from = tree.join("scripts").join(file);
        fs::copy(&from, kdir.join("scripts").join(file))
            .with_context(|| format!("{} cannot be copied", from.display()))?;
    }
    Ok(())
}

/// The source package with exactly the kernel's version, as apt names it.
fn source(root: &BuildRoot, release: &str) -> Result<String> {
    let wanted = archive::version(root, &format!("linux-image-{release}"))?;
    let package = format!("linux-source-{}", choice::SERIES);
    let versions = archive::versions(root, &package)?;
    if !versions.contains(&wanted) {
        bail!(
            "the kernel {release} has version {wanted}, but the archive has the source only of {}: \
             its Rust metadata cannot be regenerated; choose another with KVER",
            if versions.is_empty() { "none".to_owned() } else { versions.join(", ") }
        );
    }
    Ok(format!("{package}={wanted}"))
}

/// What the packages' installation scripts would do: `modules.dep`.
fn complete_modules(root: &BuildRoot, release: &str, dir: &Path) -> Result<()> {
    // depmod looks below lib/, whether its distribution merged that into usr/ or not.
    let lib = dir.join("lib");
    if !lib.exists() {
        symlink("usr/lib", &lib)?;
    }
    root.command("depmod").arg("-b").arg(dir).arg(release).bind_rw(dir).run()
}
