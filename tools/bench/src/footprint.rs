// SPDX-License-Identifier: GPL-2.0

//! Memory that the modules take, and the time from binding a driver to the first read.

use crate::{
    backend::Backend,
    guest::Counting,
    lab::Lab,
    session::Session,
    side::{Side, VIRTIO},
    stats::Summary,
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

const MODULES: &str = "rvirtio rvirtio_pci rvirtio_blk virtio_blk";

/// What the drivers take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Modules and their size when loaded, in bytes. The C ring and transport are built into the kernel.
    pub modules: Vec<(String, u64)>,
    /// From the request to bind until a disk is there and its first block was read, in ms.
    pub first_read: Vec<(Side, Summary)>,
}

/// Measures, binding each driver `rounds` times, in turns.
///
/// # Errors
///
/// Those of [`Session::run`].
pub fn run(lab: &Lab, rounds: usize) -> Result<Footprint> {
    let mut finally = format!("module_sizes {MODULES}\n");
    for _ in 0..rounds {
        for side in VIRTIO {
            finally += &format!("bind_time {} {}\n", side.address(), side.driver());
        }
    }
    let session = Session {
        name: "footprint",
        sides: &VIRTIO,
        backend: Backend::Nothing,
        device_options: "",
        cpus: 1,
        counting: Counting::Off,
        phases: Vec::new(),
        finally,
    };
    let facts = session.run(lab)?.0.facts;
    let of_kind = |kind: &str, name: &str| -> Result<Vec<u64>> {
        let found = facts.iter().filter(|words| words.len() == 3 && words[0] == kind && words[1] == name);
        found.map(|words| words[2].parse().with_context(|| format!("{words:?} is no number"))).collect()
    };
    let mut modules = Vec::new();
    for name in MODULES.split(' ') {
        modules.extend(of_kind("module", name)?.into_iter().map(|size| (name.to_owned(), size)));
    }
    let mut first_read = Vec::new();
    for side in VIRTIO {
        let times = of_kind("bind", side.driver())?;
        let summary = Summary::of(times.into_iter().map(|ns| ns as f64 / 1e6));
        first_read.push((side, summary.context("no driver was bound")?));
    }
    Ok(Footprint { modules, first_read })
}
