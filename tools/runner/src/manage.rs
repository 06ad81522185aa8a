// SPDX-License-Identifier: GPL-2.0

//! `list` and `clean`.

use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Context};
use std::{
    fs,
    io::{self, IsTerminal as _, Write as _},
};

/// Lists stock kernels.
pub fn list(ctx: &Context) -> Result<()> {
    let _root = BuildRoot::ensure(ctx)?;
    bail!("not known")
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
    fs::remove_dir_all(cache).with_context(|| format!("{} can not be removed", cache.display()))
}
