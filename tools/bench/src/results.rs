// SPDX-License-Identifier: GPL-2.0

//! Everything that a run found out: what the JSON file holds and reports are made from.

use crate::{
    devices::Accesses,
    footprint::Footprint,
    instructions::Cost,
    lab::Machine,
    net::{PacketCost, Speed},
    side::Side,
    throughput::Rate,
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::{fs, path::Path};

/// Results of one run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// Groups of measurements that were left out or failed, and why. Empty when the run is complete.
    pub missing: Vec<String>,
    /// Instructions per operation, C and rvirtio.
    pub instructions: Vec<Cost>,
    /// The same for other ring formats.
    pub rings: Vec<Cost>,
    /// The same with emulated controllers.
    pub emulation: Vec<Cost>,
    /// The same with SCSI hosts.
    pub scsi: Vec<Cost>,
    /// Accesses to devices per operation, C and rvirtio.
    pub accesses: Vec<Accesses>,
    /// The same with emulated controllers.
    pub emulated_accesses: Vec<Accesses>,
    /// Operations per second.
    pub rates: Vec<Rate>,
    /// Network traffic per second.
    pub speeds: Vec<Speed>,
    /// Instructions and accesses to devices per packet.
    pub packets: Vec<PacketCost>,
    /// Memory and start.
    pub footprint: Option<Footprint>,
}

impl Results {
    /// Reads what [`Results::save`] wrote.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or holds something else.
    pub fn load(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} holds no results of this tool", path.display()))
    }

    /// Writes them as JSON.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text + "\n").with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// The cost of `side` and that of the driver in C, for each load of `costs`.
pub fn against_c(costs: &[Cost], side: Side) -> impl Iterator<Item = (&Cost, &Cost)> {
    costs.iter().filter(move |cost| cost.side == side).filter_map(move |cost| {
        let same = |other: &&Cost| {
            other.side == side.control()
                && other.workload == cost.workload
                && other.device_options == cost.device_options
        };
        Some((cost, costs.iter().find(same)?))
    })
}
