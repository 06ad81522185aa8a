// SPDX-License-Identifier: GPL-2.0

//! Executed guest instructions per operation.

use crate::{
    guest::Counting,
    lab::Lab,
    profile::Profile,
    session::Session,
    side::Side,
    stats::Summary,
    turns::cells,
    workload::{Length, Workload},
};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// What one operation costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Options of the virtio device that are not QEMU's defaults.
    pub device_options: String,
    /// The load.
    pub workload: Workload,
    /// The driver.
    pub side: Side,
    /// Driver, ring, transport, helpers and allocator.
    pub driver: Summary,
    /// Block layer, all of `driver`, and interrupts.
    pub work: Summary,
    /// The whole kernel.
    pub kernel: Summary,
    /// By function, of the last round.
    pub profile: Profile,
}

/// Counts: `short` operations, and how many `more` the long run of each turn does.
///
/// # Errors
///
/// Those of [`Session::run`].
pub fn costs(session: &Session<'_>, lab: &Lab, (short, more): (u64, u64)) -> Result<Vec<Cost>> {
    let lengths = [short, short + more].map(Length::Operations);
    let ran = session.run(lab, Counting::Instructions, &lengths, "")?;
    let (snapshots, symbols) = (&ran.outcome.snapshots, &ran.outcome.symbols);
    let slope = |pair: &[usize]| Profile::slope(&snapshots[pair[0]], &snapshots[pair[1]], more, symbols);
    let cost = |(workload, side, turns): (Workload, Side, Vec<usize>)| {
        let mut profiles: Vec<Profile> = turns.chunks_exact(2).map(slope).collect();
        let summary = |of: fn(&Profile) -> f64| Summary::of(profiles.iter().map(of));
        Some(Cost {
            device_options: session.device_options.trim_start_matches(',').to_owned(),
            workload,
            side,
            driver: summary(Profile::driver)?,
            work: summary(Profile::below_files)?,
            kernel: summary(Profile::kernel)?,
            profile: profiles.pop()?.trimmed(),
        })
    };
    Ok(cells(&ran.turns).into_iter().filter_map(cost).collect())
}
