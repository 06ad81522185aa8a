// SPDX-License-Identifier: GPL-2.0

//! The command line.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;

/// Measures rvirtio against the in-tree C drivers and against emulated hardware, in QEMU.
///
/// Without options everything is measured, which takes up to an hour, and Documentation/performance.md
/// is written with its plots. Exit status: 0; 1 when a measurement failed (the rest is kept).
#[derive(Debug, Clone, Parser)]
#[command(name = "tools/vm bench", version, max_term_width = 100)]
pub struct Cli {
    /// Only these [default: all].
    #[arg(value_enum)]
    pub groups: Vec<Group>,
    /// In less than five minutes, and only the most important figures.
    #[arg(long)]
    pub quick: bool,
    /// Which stock kernel: a release, or a flavour [default: newest cloud kernel].
    #[arg(long, env = "KVER", value_name = "RELEASE")]
    pub kver: Option<String>,
    /// Measure the modules of this source tree, for example a git worktree of another commit.
    #[arg(long, value_name = "DIR", value_parser = source_tree)]
    pub source: Option<PathBuf>,
    /// Where the results go, as JSON [default: performance.json in the cache directory].
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Measure nothing: write the report of results that were saved before.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["groups", "quick", "compare"])]
    pub report: Option<PathBuf>,
    /// Compare the instruction counts of two saved results, or of two commits, which are measured.
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"], conflicts_with_all = ["groups", "source", "json"])]
    pub compare: Option<Vec<String>>,
    /// Also print instructions per operation by function.
    #[arg(long)]
    pub functions: bool,
}

/// What can be measured by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// Instructions per operation.
    Instructions,
    /// Doorbells and interrupts per operation.
    Accesses,
    /// Ring formats.
    Rings,
    /// SCSI hosts.
    Scsi,
    /// AHCI and IDE against virtio.
    Emulation,
    /// Operations per second.
    Throughput,
    /// Packets, on the generic kernel flavour, which has emulated interfaces.
    Network,
    /// Module sizes, time to the first read.
    Footprint,
}

fn source_tree(text: &str) -> Result<PathBuf, String> {
    let dir = PathBuf::from(text);
    if dir.join("drivers/rvirtio").is_dir() { Ok(dir) } else { Err("holds no sources of rvirtio".to_owned()) }
}

impl Cli {
    /// Whether `group` was asked for.
    pub fn wants(&self, group: Group) -> bool {
        self.groups.is_empty() || self.groups.contains(&group)
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
    fn groups() {
        let all = Cli::try_parse_from(["bench"]).unwrap();
        assert!(all.wants(Group::Rings) && all.wants(Group::Footprint));
        let one = Cli::try_parse_from(["bench", "rings", "--quick"]).unwrap();
        assert!(one.wants(Group::Rings) && !one.wants(Group::Footprint));
        assert!(Cli::try_parse_from(["bench", "everything"]).is_err());
        assert!(Cli::try_parse_from(["bench", "--source", "/"]).is_err());
    }
}
