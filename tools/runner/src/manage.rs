// SPDX-License-Identifier: GPL-2.0

//! `list` and `clean`.

use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Context, Kernel};
use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
};

/// Prints the kernels that `--kernel` and `KVER` can name, and which of them need no download.
pub fn list(ctx: &Context) -> Result<()> {
    let root = BuildRoot::ensure(ctx)?;
    for release in Kernel::releases(&root)? {
        println!("{release}{}", state(ctx, &release)?);
    }
    for name in ["debug", "builtin"] {
        println!("{name}{}", state(ctx, name)?);
    }
    Ok(())
}

fn state(ctx: &Context, name: &str) -> Result<&'static str> {
    let prefix = format!("kernel-{name}-");
    let cache = ctx.cache.root();
    let entries = fs::read_dir(cache).with_context(|| format!("{} cannot be read", cache.display()))?;
    let found = entries.flatten().map(|entry| entry.file_name()).any(|entry| {
        let entry = entry.to_string_lossy();
        // What another process is making does not count yet.
        entry.starts_with(&prefix) && !entry.ends_with(".partial")
    });
    Ok(if found { " (ready)" } else { "" })
}

/// Removes the cache.
pub fn clean(ctx: &Context, yes: bool) -> Result<()> {
    let cache = ctx.cache.root();
    if !yes {
        if !io::stdin().is_terminal() {
            bail!("say --yes to remove {} without being asked", cache.display());
        }
        print!("Remove {} with all kernels, images and built modules? [y/N] ", cache.display());
        io::stdout().flush()?;
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            return Ok(());
        }
    }
    fs::remove_dir_all(cache)
        .with_context(|| format!("{} cannot be removed completely: is a guest running?", cache.display()))
}
