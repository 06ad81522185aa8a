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

/// One run of a program that makes traffic.
#[derive(Debug, Clone, Copy)]
struct Phase {
    nic: Nic,
    traffic: Traffic,
    length: Length,
}

/// A guest with all of `nics`.
struct Session<'a> {
    name: &'a str,
    nics: &'a [Nic],
    cpus: u32,
    counting: Counting,
    phases: Vec<Phase>,
}

impl Session<'_> {
    fn run(&self, lab: &Lab) -> Result<Outcome> {
        host::isolated(|| {
            let _host = Host::start(lab, self.nics, self.cpus)?;
            let guest = Guest {
                name: self.name,
                devices: self.nics.iter().flat_map(|nic| nic.arguments(self.cpus)).collect(),
                cpus: self.cpus,
                counting: self.counting,
            };
            guest.run(lab, &self.plan(), self.phases.len())
        })
    }

    fn plan(&self) -> String {
        let mut plan: String = self.nics.iter().map(|nic| nic.set_up(self.cpus)).collect();
        let mut warm = Vec::new();
        for phase in &self.phases {
            let key = (phase.nic, phase.traffic);
            if !warm.contains(&key) {
                warm.push(key);
                let (short, _) = phase.traffic.lengths();
                plan += &format!("warm_up_traffic {}\n", self.command(phase, short));
            }
        }
        plan += "marker\n";
        for phase in &self.phases {
            let command = self.command(phase, phase.length);
            let (interface, interrupts) = (phase.nic.variable(), phase.nic.interrupts());
            plan += &format!("traffic ${interface} {interrupts} {command}\n");
        }
        plan
    }

    fn command(&self, phase: &Phase, length: Length) -> String {
        phase.traffic.command(&phase.nic.host_address(), length, self.cpus)
    }
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
    let mut phases = Vec::new();
    for &traffic in all {
        for _ in 0..rounds {
            phases.extend(nics.iter().map(|&nic| Phase { nic, traffic, length: Length::Seconds(seconds) }));
        }
    }
    let name = if cpus > 1 { format!("network, {cpus} queues") } else { "network".to_owned() };
    let session = Session { name: &name, nics, cpus, counting: Counting::Off, phases };
    let outcome = session.run(lab)?;
    let rates =
        outcome.phases.iter().zip(&session.phases).map(|(found, phase)| phase.traffic.rate(&found.said));
    let rates = rates.collect::<Result<Vec<f64>>>()?;
    let mut speeds = Vec::new();
    for (number, &traffic) in all.iter().enumerate() {
        let rate = |round: usize, index: usize| rates[(number * rounds + round) * nics.len() + index];
        for (index, &nic) in nics.iter().enumerate() {
            let samples = Summary::of((0..rounds).map(|round| rate(round, index)));
            let ratios = Summary::of((0..rounds).map(|round| rate(round, index) / rate(round, 0)));
            if let (Some(rate), Some(ratio)) = (samples, ratios) {
                let accelerator = outcome.accelerator.clone();
                speeds.push(Speed { accelerator, traffic, cpus, nic, rate, ratio });
            }
        }
    }
    Ok(speeds)
}

/// Instructions, accesses to the device and interrupts per operation, in that of `rounds` which is the median
/// by what the driver executes: that depends on how quick the host is.
///
/// # Errors
///
/// As [`speeds`].
pub fn costs(lab: &Lab, nics: &[Nic], all: &[Traffic], rounds: usize) -> Result<Vec<PacketCost>> {
    let pairs: Vec<(Traffic, Nic)> = all
        .iter()
        .flat_map(|&traffic| (0..rounds).flat_map(move |_| nics.iter().map(move |&nic| (traffic, nic))))
        .collect();
    let phases = pairs.iter().flat_map(|&(traffic, nic)| {
        let (short, long) = traffic.lengths();
        [short, long].map(|length| Phase { nic, traffic, length })
    });
    let session = Session {
        name: "network: instructions, doorbells and interrupts",
        nics,
        cpus: 1,
        counting: Counting::Devices,
        phases: phases.collect(),
    };
    let outcome = session.run(lab)?;
    let mut costs = Vec::new();
    for (index, (traffic, nic)) in pairs.into_iter().enumerate() {
        let (short, long) = (2 * index, 2 * index + 1);
        let done = |phase: usize| traffic.operations(&outcome.phases[phase]);
        let more = done(long)? - done(short)?;
        if more < 1.0 {
            bail!("{traffic} by {}: the long run did {more} operations more than the short one", nic.title());
        }
        let (before, after) = (&outcome.snapshots[short], &outcome.snapshots[long]);
        let accesses = |kind| {
            (crate::devices::total(after, kind) as f64 - crate::devices::total(before, kind) as f64) / more
        };
        let interrupts = |phase: usize| outcome.phases[phase].interrupts as f64;
        costs.push(PacketCost {
            traffic,
            nic,
            writes: accesses(Kind::DeviceWrite),
            reads: accesses(Kind::DeviceRead),
            interrupts: (interrupts(long) - interrupts(short)) / more,
            profile: Profile::slope(before, after, more.round() as u64, &outcome.symbols).trimmed(),
        });
    }
    let mut medians = Vec::new();
    for (&traffic, &nic) in all.iter().flat_map(|traffic| nics.iter().map(move |nic| (traffic, nic))) {
        let mut of_pair: Vec<_> =
            costs.iter().filter(|cost| (cost.traffic, cost.nic) == (traffic, nic)).cloned().collect();
        of_pair.sort_by(|a, b| a.profile.driver().total_cmp(&b.profile.driver()));
        medians.extend(of_pair.into_iter().nth(rounds / 2));
    }
    Ok(medians)
}
