// SPDX-License-Identifier: GPL-2.0

//! What the disks are asked to do.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How programs submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Engine {
    /// io_uring.
    IoUring,
    /// Linux native asynchronous I/O.
    Libaio,
}

/// Access pattern, in fio's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pattern {
    /// Random reads.
    RandRead,
    /// Random writes.
    RandWrite,
    /// Sequential reads.
    Read,
    /// Sequential writes.
    Write,
}

/// One kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Workload {
    /// Which accesses.
    pub pattern: Pattern,
    /// Bytes per access, in KiB.
    pub kib: u32,
    /// Accesses in flight.
    pub depth: u32,
    /// Accesses per system call; at most `depth`.
    pub batch: u32,
    /// How they are submitted.
    pub engine: Engine,
    /// Writes per fsync; 0 for none.
    pub fsync: u32,
}

/// How long a run lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Length {
    /// A number of accesses.
    Operations(u64),
    /// Seconds.
    Seconds(u32),
}

impl Workload {
    /// 4 KiB random reads by io_uring, one per system call.
    pub const fn reads(depth: u32) -> Self {
        Self { pattern: Pattern::RandRead, kib: 4, depth, batch: 1, engine: Engine::IoUring, fsync: 0 }
    }

    /// fio's options.
    pub fn options(&self, length: Length) -> String {
        let rw = match self.pattern {
            Pattern::RandRead => "randread",
            Pattern::RandWrite => "randwrite",
            Pattern::Read => "read",
            Pattern::Write => "write",
        };
        let engine = match self.engine {
            Engine::IoUring => "io_uring",
            Engine::Libaio => "libaio",
        };
        let mut options = format!(
            "--rw={rw} --bs={}k --iodepth={} --iodepth_batch_submit={} --ioengine={engine}",
            self.kib, self.depth, self.batch
        );
        if self.batch > 1 {
            // Completions are taken in the same numbers, else the next batch would never fill.
            options += &format!(
                " --iodepth_batch_complete_min={} --iodepth_low={}",
                self.batch,
                self.depth - self.batch
            );
        }
        if self.fsync > 0 {
            options += &format!(" --fsync={}", self.fsync);
        }
        options
            + &match length {
                Length::Operations(number) => format!(" --number_ios={number}"),
                Length::Seconds(seconds) => format!(" --time_based --runtime={seconds}"),
            }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pattern = match self.pattern {
            Pattern::RandRead => "random read",
            Pattern::RandWrite => "random write",
            Pattern::Read => "sequential read",
            Pattern::Write => "sequential write",
        };
        write!(f, "{} KiB {pattern}, depth {}", self.kib, self.depth)?;
        if self.batch > 1 {
            write!(f, ", batches of {}", self.batch)?;
        }
        if self.fsync > 0 {
            write!(f, ", fsync every {}", self.fsync)?;
        }
        if self.engine == Engine::Libaio {
            write!(f, ", libaio")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_title() {
        let batched = Workload { batch: 8, fsync: 4, engine: Engine::Libaio, ..Workload::reads(32) };
        assert_eq!(
            batched.options(Length::Operations(500)),
            "--rw=randread --bs=4k --iodepth=32 --iodepth_batch_submit=8 --ioengine=libaio \
             --iodepth_batch_complete_min=8 --iodepth_low=24 --fsync=4 --number_ios=500"
        );
        assert_eq!(batched.to_string(), "4 KiB random read, depth 32, batches of 8, fsync every 4, libaio");
        assert_eq!(Workload::reads(1).to_string(), "4 KiB random read, depth 1");
    }
}
