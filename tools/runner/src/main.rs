// SPDX-License-Identifier: GPL-2.0

//! Boots guests whose virtio devices are driven by rvirtio.

mod accel;
mod boot;
mod channels;
mod cli;
mod complaints;
mod console;
mod control;
mod copy;
mod guest;
mod host_paths;
mod initramfs;
mod links;
mod manage;
mod modules;
mod qemu;
mod signals;
mod terminal;
mod verdict;
mod vm;

use anyhow::Result;
use clap::Parser as _;
use cli::{Cli, Command};
use rvirtio_provision::{BuildRoot, Context};
use std::process::ExitCode;

/// The source tree that this program belongs to.
const REPO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("tools/vm: {error:#}");
            ExitCode::from(verdict::FAILURE)
        }
    }
}

fn run(cli: Cli) -> Result<u8> {
    match cli.command {
        Command::Exec { guest, command } => return guest::exec(&Context::new(REPO)?, &guest, command),
        Command::Run { guest } => return guest::run(&Context::new(REPO)?, &guest),
        Command::List => manage::list(&Context::new(REPO)?)?,
        Command::Build { kernel: options } => {
            let ctx = Context::new(REPO)?;
            let root = BuildRoot::ensure_for(&ctx, options.arch)?;
            println!("{}", guest::build(&ctx, &root, &options)?.display());
        }
        Command::In { root, copy, command } => {
            return manage::run_in(&Context::new(REPO)?, root, copy.as_deref(), &command);
        }
        Command::Clean { yes } => manage::clean(&Context::new(REPO)?, yes)?,
    }
    Ok(0)
}
