// SPDX-License-Identifier: GPL-2.0

//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Runs rvirtio's tests and checks its sources.
#[derive(Debug, Parser)]
#[command(name = "tools/test", version, max_term_width = 100)]
pub struct Cli {
    /// What to run: tests, checks of the sources, or both.
    #[arg(value_enum, default_value_t = What::Test)]
    pub what: What,
    /// Only those whose name contains one of these words.
    pub filter: Vec<String>,
    /// List the names and what each of them shows, and run nothing.
    #[arg(long)]
    pub list: bool,
    /// Run slow tests too: those marked `full`.
    #[arg(long)]
    pub full: bool,
    /// Run all combinations of the matrix: hours, instead of as many as have each pair of values
    #[arg(long)]
    pub matrix: bool,
    /// Guests that run at the same time: most of them wait most of the time. Each uses 1 to 2 GiB.
    #[arg(short, long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    pub jobs: u8,
    /// Kernel of the guests, as `tools/vm exec` takes it. Tests that are for a certain kernel run on that.
    #[arg(long, default_value = "stock", value_name = "stock|debug|builtin|DIR")]
    pub kernel: String,
    /// The source tree.
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub repo: PathBuf,
}

/// Groups of things to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Tests: of the tools' crates, of the tools on the host, and in guests.
    Test,
    /// Checks of the sources: format, lints, warnings, unsafe code, requirement ids.
    Check,
    /// KUnit tests, on the debug kernel.
    Kunit,
    /// Writes Documentation/conformance.md, which says what tests each requirement; runs nothing.
    Conformance,
    /// Makes the documentation of all crates in tools/target/rustdoc; runs nothing.
    Rustdoc,
    /// Writes rust-project.json, by which rust-analyzer understands the crates; runs nothing.
    RustAnalyzer,
    /// Checks, then tests.
    All,
}

impl What {
    /// Whether tests are meant.
    pub fn tests(self) -> bool {
        matches!(self, Self::Test | Self::All)
    }

    /// Whether checks are meant.
    pub fn checks(self) -> bool {
        matches!(self, Self::Check | Self::All)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn words_after_the_group_are_filters() {
        let cli = Cli::try_parse_from(["tools/test", "test", "blk", "rng", "-j", "2"]).unwrap();
        assert_eq!((cli.what, cli.filter.len(), cli.jobs), (What::Test, 2, 2));
        assert!(Cli::try_parse_from(["tools/test", "fly"]).is_err());
        assert!(Cli::try_parse_from(["tools/test", "test", "-j", "0"]).is_err());
    }
}
