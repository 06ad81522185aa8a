// SPDX-License-Identifier: GPL-2.0

//! Operations per second, by the clock.

use crate::{
    guest::Counting,
    lab::Lab,
    session::Session,
    side::Side,
    stats::Summary,
    turns::against_first,
    workload::{Length, Workload},
};
use anyhow::Result;
use serde::{Deserialize, Serialize};

/// Operations per second.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// What executed the guest's code, KVM or TCG.
    #[serde(default)]
    pub accelerator: String,
    /// The back end of the disks.
    pub backend: String,
    /// Virtual CPUs and queues.
    pub cpus: u32,
    /// The load.
    pub workload: Workload,
    /// The driver.
    pub side: Side,
    /// Operations per second.
    pub iops: Summary,
    /// Against the first side, round by round.
    pub ratio: Summary,
}

/// Measures, so many seconds each time.
///
/// # Errors
///
/// Those of [`Session::run`].
pub fn rates(session: &Session<'_>, lab: &Lab, seconds: u32) -> Result<Vec<Rate>> {
    let ran = session.run(lab, Counting::Off, &[Length::Seconds(seconds)], "")?;
    let iops: Vec<f64> = ran.done.iter().map(|done| done.iops).collect();
    let rate = |(workload, side, iops, ratio)| Rate {
        accelerator: ran.outcome.accelerator.clone(),
        backend: session.backend.title(),
        cpus: session.cpus,
        workload,
        side,
        iops,
        ratio,
    };
    Ok(against_first(&ran.turns, &iops).into_iter().map(rate).collect())
}
