// SPDX-License-Identifier: GPL-2.0

//! Our modules, built out of the source tree by the kernel's own build system.

use crate::{BuildRoot, Context, Kernel, cache::Key, exec};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::PathBuf, thread};

/// Builds the modules of [`Context::repo`] for `kernel`, incrementally.
///
/// Returns the directory with the `.ko` files, each below the directory of its sources
/// (`drivers/rvirtio/rvirtio.ko`).
///
/// # Errors
///
/// When they do not build; the compiler's output is then on standard error.
pub fn build_modules(ctx: &Context, root: &BuildRoot, kernel: &Kernel) -> Result<PathBuf> {
    let key = Key::new(1)
        .with("toolchain", root.toolchain()?)
        .with("kernel", &kernel.name)
        .with("repo", ctx.repo.as_os_str().as_encoded_bytes());
    let _lock = ctx.cache.lock("modules", &key)?;
    let out = ctx.cache.root().join(format!("modules-{}-{}", kernel.name, key.id()));
    fs::create_dir_all(&out).with_context(|| format!("{} cannot be made", out.display()))?;
    let log = ctx.cache.log(&format!("modules-{}", kernel.name))?;
    fs::write(&log, "").with_context(|| format!("{} cannot be written", log.display()))?;

    let step = ctx.progress.step(&format!("modules for {}", kernel.release));
    let mut make = root.command("make");
    make.arg(format!("-j{}", thread::available_parallelism().map_or(1, usize::from)));
    make.arg("-C").arg(&kernel.kdir).args(&kernel.make_args);
    make.arg(format!("M={}", ctx.repo.display())).arg(format!("MO={}", out.display())).arg("modules");
    if let Some(source) = kernel.source() {
        make.bind_ro(source);
    }
    make.bind_ro(ctx.cache.root()).bind_ro(&kernel.kdir).bind_ro(&ctx.repo).bind_rw(&out);
    let status = exec::status(&mut make.command()?, &log, &step)?;
    if !status.success() {
        let output = fs::read(&log).with_context(|| format!("{} cannot be read", log.display()))?;
        ctx.progress.note(&String::from_utf8_lossy(&output));
        bail!(
            "the modules of {} do not build for {}: see the compiler's output above",
            ctx.repo.display(),
            kernel.release
        );
    }
    step.done();
    Ok(out)
}
