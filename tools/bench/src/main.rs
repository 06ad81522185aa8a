// SPDX-License-Identifier: GPL-2.0

//! Measures rvirtio against the in-tree C drivers and against emulated hardware.

mod backend;
mod cli;
mod commits;
mod devices;
mod fio;
mod footprint;
mod guest;
mod instructions;
mod lab;
mod layer;
mod net;
mod outcome;
mod plots;
mod profile;
mod report;
mod results;
mod schedule;
mod session;
mod side;
mod stats;
mod symbols;
mod table;
mod throughput;
mod turns;
mod workload;

use anyhow::{Context as _, Result};
use clap::Parser as _;
use cli::Cli;
use lab::Lab;
use results::Results;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// The source tree that this program belongs to.
const REPO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether everything that was asked for was measured.
fn run(cli: &Cli) -> Result<bool> {
    let documentation = Path::new(REPO).join("Documentation");
    if let Some([old, new]) = cli.compare.as_deref() {
        let results = |what: &str| commits::results(cli, Path::new(REPO), what);
        print!("{}", report::compare(&results(old)?, &results(new)?));
        return Ok(true);
    }
    if let Some(file) = &cli.report {
        report::write(&Results::load(file)?, &documentation)?;
        return Ok(true);
    }

    let source = cli.source.as_deref().unwrap_or(Path::new(REPO));
    let lab = Lab::new(source, cli.kver.as_deref())?;
    let json: PathBuf = cli.json.clone().unwrap_or_else(|| lab.cache().join("performance.json"));
    let mut results = Results { machine: lab.machine.clone(), ..Results::default() };
    schedule::run(cli, &lab, &mut results, &json)?;
    print!("{}", report::tables(&results));
    if cli.functions {
        print!("{}", report::functions(&results));
    }
    lab.note(&format!("results: {}", json.display()));
    let complete = results.missing.is_empty();
    if complete && !cli.quick && cli.groups.is_empty() {
        report::write(&results, &documentation).context("the report cannot be written")?;
        lab.note(&format!("report: {}", documentation.join("performance.md").display()));
    }
    Ok(complete)
}
