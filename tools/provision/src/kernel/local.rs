// SPDX-License-Identifier: GPL-2.0

//! Kernels that the user built.

use super::{Headers, Kernel};
use crate::{BuildRoot, Context, cache::Key};
use anyhow::{Context as _, Result, bail};
use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Free space that the installed modules take, in MiB.
const SPACE: u64 = 1 << 10;

pub(super) fn from_build_tree(ctx: &Context, root: &BuildRoot, dir: &Path) -> Result<Kernel> {
    let dir = dir
        .canonicalize()
        .with_context(|| format!("the kernel directory {} cannot be read", dir.display()))?;
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
    let name = format!("local-{}", Key::new(1).with("dir", dir.as_os_str().as_encoded_bytes()).id());
    let key = contents_key(&dir)?;

    let installed = ctx.cache.ensure(&name, &key, SPACE, |install| {
        let step = ctx.progress.step(&format!("modules of {release}"));
        let mut command = root.command("make");
        command.arg("-s").arg("-C").arg(&dir).args(&make_args).arg("modules_install");
        command.arg(format!("INSTALL_MOD_PATH={}", install.display()));
        command.bind_rw(&dir).bind_rw(install);
        if let Some(source) = source_of(&dir) {
            command.bind_ro(source);
        }
        command.run_logged(&ctx.cache.log(&name)?, &step)?;
        step.done();
        Ok(())
    })?;
    ctx.cache.keep_only(&name, &key);
    let modules_dir = installed.join("lib/modules").join(&release);
    Ok(Kernel { release, vmlinuz, modules_dir, kdir: dir, make_args, name, id: key.id() })
}

/// Changes whenever the kernel or one of its modules was built again.
fn contents_key(dir: &Path) -> Result<Key> {
    let order = dir.join("modules.order");
    let order = fs::read_to_string(&order).with_context(|| format!("{} cannot be read", order.display()))?;
    let modules = order
        .lines()
        .map(|module| module.strip_suffix(".o").map_or(module.into(), |stem| format!("{stem}.ko")));
    let mut key = Key::new(1).with("dir", dir.as_os_str().as_encoded_bytes());
    for file in modules.chain(["arch/x86/boot/bzImage".to_owned()]) {
        let metadata = fs::metadata(dir.join(&file))
            .with_context(|| format!("{file} is missing in {}", dir.display()))?;
        let time = format!("{} {}.{}", metadata.len(), metadata.mtime(), metadata.mtime_nsec());
        key = key.with(&file, time);
    }
    Ok(key)
}

fn release_file(dir: &Path) -> PathBuf {
    dir.join("include/config/kernel.release")
}

/// The release of a kernel that was built in `dir`.
pub(super) fn release(dir: &Path) -> Result<String> {
    let file = release_file(dir);
    let release = fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
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
pub(super) fn source_of(dir: &Path) -> Option<PathBuf> {
    dir.join("source").canonicalize().ok().filter(|source| source != dir)
}
