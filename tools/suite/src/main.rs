// SPDX-License-Identifier: GPL-2.0

//! Runs rvirtio's tests, on the host and in guests, and checks its sources.
//!
//! Everything that is counted is an [`outcome::Outcome`]; the last line of the output says
//! `N passed, N failed, N skipped`.

mod analyzer;
mod boot;
mod cargo;
mod check;
mod cli;
mod compile_fail;
mod conformance;
mod disks;
mod frames;
mod guest;
mod header;
mod host;
mod kunit;
mod matrix;
mod modules;
mod net_device;
mod outcome;
mod registers;
mod report;
mod rustc;
mod rustdoc;
mod script;
mod select;
mod selftests;
mod vm;

use anyhow::Result;
use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match run(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Runs what was asked for; whether all of it passed.
fn run(cli: &cli::Cli) -> Result<bool> {
    let suite = select::Suite::new(cli)?;
    if cli.list {
        suite.list();
        return Ok(true);
    }
    let mut report = report::Report::new()?;
    if let Err(error) = suite.run(&mut report) {
        report.add(outcome::Outcome::failed("suite", std::time::Duration::ZERO, format!("{error:#}")));
    }
    Ok(report.finish())
}
