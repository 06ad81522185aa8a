// SPDX-License-Identifier: GPL-2.0

//! Kernels that the user built.

use super::{Headers, Kernel};
use crate::{BuildRoot, Context, cache::Key};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

pub(super) fn from_build_tree(ctx: &Context, root: &BuildRoot, dir: &Path) -> Result<Kernel> {
    let dir = dir
        .canonicalize()
        .with_context(|| format!("the kernel directory {} can not be read", dir.display()))?;
    let headers = Headers::open(&dir)?;
    headers.check_rust()?;
    let vmlinuz = dir.join("arch/x86/boot/bzImage");
    for file in [&release_file(&dir), &vmlinuz, &dir.join("Module.symvers")] {
        if !file.is_file() {
            bail!("{} is missing: build the kernel in {} first", file.display(), dir.display());
        }
    }
    let release = release(&dir)?;
    let make_args = make_args(&headers)?;
    let id = Key::new(1).with("dir", dir.as_os_str().as_encoded_bytes()).id();

    // A tree that its user rebuilds has no key of its contents: installed anew each time, which
    // takes few seconds when nothing changed.
    let step = ctx.progress.step(&format!("modules of {release}"));
    let install = ctx.cache.root().join(format!("local-{id}"));
    if install.exists() {
        fs::remove_dir_all(&install).with_context(|| format!("{} can not be removed", install.display()))?;
    }
    fs::create_dir_all(&install).with_context(|| format!("{} can not be made", install.display()))?;
    let mut command = root.command("make");
    command.arg("-s").arg("-C").arg(&dir).args(&make_args).arg("modules_install");
    command.arg(format!("INSTALL_MOD_PATH={}", install.display()));
    command.bind_rw(&dir).bind_rw(&install);
    if let Some(source) = source_of(&dir) {
        command.bind_ro(source);
    }
    command.run_logged(&ctx.cache.log(&format!("kernel-{release}"))?, &step)?;
    step.done();

    let modules_dir = install.join("lib/modules").join(&release);
    Ok(Kernel { release, vmlinuz, modules_dir, kdir: dir, make_args, id })
}

fn release_file(dir: &Path) -> PathBuf {
    dir.join("include/config/kernel.release")
}

/// The release of a kernel that was built in `dir`.
pub(super) fn release(dir: &Path) -> Result<String> {
    let file = release_file(dir);
    let release = fs::read_to_string(&file).with_context(|| format!("{} can not be read", file.display()))?;
    Ok(release.trim().to_owned())
}

/// Which compiler make must use, as the kernel itself was built.
fn make_args(headers: &Headers) -> Result<Vec<String>> {
    let compiler = headers.compiler()?;
    Ok(match (headers.config("CONFIG_CC_IS_CLANG"), compiler.strip_prefix("clang")) {
        // A version suffix on the compiler (`clang-19`) goes for all LLVM tools.
        (Some("y"), Some(suffix)) if suffix.starts_with('-') => vec![format!("LLVM={suffix}")],
        (Some("y"), _) => vec!["LLVM=1".to_owned()],
        _ => vec![format!("CC={compiler}")],
    })
}

/// Where the source lies of a kernel built with `O=`.
fn source_of(dir: &Path) -> Option<PathBuf> {
    dir.join("source").canonicalize().ok().filter(|source| source != dir)
}
