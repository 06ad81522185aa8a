// SPDX-License-Identifier: GPL-2.0

//! Network: packets between a guest and its host.
//!
//! The host's end of every link, the servers there and QEMU are in a network namespace of this
//! program's own, which has nothing else in it and is gone when they have ended.

mod host;
mod nic;
mod traffic;

pub use self::{
    nic::Nic,
    traffic::{FULL, SMALL, TINY, Traffic},
};

use self::host::Host;
use crate::{
    guest::{Counting, Guest},
    lab::Lab,
    outcome::Outcome,
    profile::Profile,
    stats::Summary,
    turns::{self, Turn},
    workload::Length,
};
use anyhow::{Result, bail};
use rvirtio_plugin::record::Kind;
use serde::{Deserialize, Serialize};

/// What of a certain traffic gets through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Speed {
    /// What executed the guest's code, KVM or TCG.
    #[serde(default)]
    pub accelerator: String,
    /// The load.
    pub traffic: Traffic,
    /// Virtual CPUs, and pairs of queues where the device has several.
    pub cpus: u32,
    /// The interface.
    pub nic: Nic,
    /// Per second; [`Traffic::unit`] says what.
    pub rate: Summary,
    /// Against the first interface, round by round.
    pub ratio: Summary,
}

/// What one operation of a certain traffic costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PacketCost {
    /// The load.
    pub traffic: Traffic,
    /// The interface.
    pub nic: Nic,
    /// Writes to device memory.
    pub writes: f64,
    /// Reads of device memory.
    pub reads: f64,
    /// Interrupts of the interface.
    pub interrupts: f64,
    /// Instructions by function.
    pub profile: Profile,
}

/// A guest with all of `nics`, in which `turns` are taken.
fn run(
    lab: &Lab,
    name: &str,
    nics: &[Nic],
    cpus: u32,
    counting: Counting,
    turns: &[Turn<Traffic, Nic>],
) -> Result<Outcome> {
    let command =
        |turn: &Turn<Traffic, Nic>, length| turn.load.command(&turn.side.host_address(), length, cpus);
    let warm_up =
        |turn: &Turn<Traffic, Nic>| format!("warm_up_traffic {}\n", command(turn, turn.load.lengths()[0]));
    let traffic = |turn: &Turn<Traffic, Nic>| {
        let (interface, interrupts) = (turn.side.module(), turn.side.interrupts());
        format!("traffic ${interface} {interrupts} {}\n", command(turn, turn.length))
    };
    let plan = turns::plan(nics.iter().map(|nic| nic.set_up(cpus)), turns, warm_up, traffic);
    let devices = nics.iter().flat_map(|nic| nic.arguments(cpus)).collect();
    host::isolated(|| {
        let _host = Host::start(lab, nics, cpus)?;
        Guest { name, devices, cpus, counting }.run(lab, &plan, turns.len())
    })
}

/// How much of each traffic gets through, the interfaces taking turns: `rounds` times `seconds` each.
///
/// # Errors
///
/// When there is no right to make a network namespace, or anything else goes wrong.
pub fn speeds(
    lab: &Lab,
    nics: &[Nic],
    all: &[Traffic],
    cpus: u32,
    rounds: usize,
    seconds: u32,
) -> Result<Vec<Speed>> {
    let turns = turns::turns(all, nics, rounds, |_| vec![Length::Seconds(seconds)]);
    let name = if cpus > 1 { format!("network, {cpus} queues") } else { "network".to_owned() };
    let outcome = run(lab, &name, nics, cpus, Counting::Off, &turns)?;
    let rates = outcome.phases.iter().zip(&turns).map(|(found, turn)| turn.load.rate(&found.said));
    let speed = |(traffic, nic, rate, ratio)| Speed {
        accelerator: outcome.accelerator.clone(),
        traffic,
        cpus,
        nic,
        rate,
        ratio,
    };
    let rates = rates.collect::<Result<Vec<f64>>>()?;
    Ok(turns::against_first(&turns, &rates).into_iter().map(speed).collect())
}

/// Instructions, accesses to the device and interrupts per operation, in that of `rounds` which is the median
/// by what the driver executes: that depends on how quick the host is.
///
/// # Errors
///
/// As [`speeds`].
pub fn costs(lab: &Lab, nics: &[Nic], all: &[Traffic], rounds: usize) -> Result<Vec<PacketCost>> {
    let turns = turns::turns(all, nics, rounds, |traffic| traffic.lengths().to_vec());
    let name = "network: instructions, doorbells and interrupts";
    let outcome = run(lab, name, nics, 1, Counting::Devices, &turns)?;
    let mut medians = Vec::new();
    for (traffic, nic, numbers) in turns::cells(&turns) {
        let pairs = numbers.chunks_exact(2);
        let mut costs = pairs.map(|pair| cost(&outcome, traffic, nic, pair)).collect::<Result<Vec<_>>>()?;
        costs.sort_by(|a, b| a.profile.driver().total_cmp(&b.profile.driver()));
        medians.extend(costs.into_iter().nth(rounds / 2));
    }
    Ok(medians)
}

/// What the long of two runs has more than the short one.
fn cost(outcome: &Outcome, traffic: Traffic, nic: Nic, pair: &[usize]) -> Result<PacketCost> {
    let (short, long) = (pair[0], pair[1]);
    let done = |turn: usize| traffic.operations(&outcome.phases[turn]);
    let more = done(long)? - done(short)?;
    if more < 1.0 {
        bail!("{traffic} by {}: the long run did {more} operations more than the short one", nic.title());
    }
    let slope = |of: &dyn Fn(usize) -> u64| (of(long) as f64 - of(short) as f64) / more;
    let accesses = |kind| slope(&|turn| crate::devices::total(&outcome.snapshots[turn], kind));
    let (before, after) = (&outcome.snapshots[short], &outcome.snapshots[long]);
    Ok(PacketCost {
        traffic,
        nic,
        writes: accesses(Kind::DeviceWrite),
        reads: accesses(Kind::DeviceRead),
        interrupts: slope(&|turn| outcome.phases[turn].interrupts),
        profile: Profile::slope(before, after, more.round() as u64, &outcome.symbols).trimmed(),
    })
}
