// SPDX-License-Identifier: GPL-2.0

//! `list`, `in` and `clean`.

use crate::cli::Place;
use anyhow::{Context as _, Result, bail};
use rvirtio_provision::{BuildRoot, Context, Kernel, Machine};
use std::{
    env,
    ffi::OsString,
    fs,
    io::{self, IsTerminal as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    path::Path,
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

/// Runs a command in one of the roots, with our standard streams; returns its status.
pub fn run_in(ctx: &Context, place: Place, copy: Option<&Path>, command: &[OsString]) -> Result<u8> {
    let (program, args) = command.split_first().context("no command was given")?;
    let mut inside = match (place, copy) {
        (Place::Build, _) => BuildRoot::ensure(ctx)?.command(program),
        (Place::Newest, _) => Machine::newest(ctx)?.command(program, false),
        (Place::Machine, None) => Machine::ensure(ctx)?.command(program, false),
        (Place::Machine, Some(dir)) => Machine::copy(dir, ctx)?.command(program, true),
    };
    let here = env::current_dir().context("the current directory is gone")?;
    inside.args(args).bind_ro(&ctx.repo).bind_rw(&here).current_dir(&here);
    let status = inside.command()?.status().context("bwrap cannot be run")?;
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
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
