// SPDX-License-Identifier: GPL-2.0

//! Memory that modules and queues take, and the time from binding a driver to the first read.

use crate::{
    backend::Backend,
    guest::{Counting, Guest},
    lab::Lab,
    outcome::Outcome,
    session::Session,
    side::{Side, VIRTIO},
    stats::Summary,
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

const MODULES: &str = "rvirtio rvirtio_pci rvirtio_blk virtio_blk";

/// Virtual CPUs where memory is measured: so many queues has a disk at most.
const CPUS: u32 = 4;

/// Disks of each kind there.
const DISKS: u32 = 6;

/// What the drivers take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// Modules and their size when loaded, in bytes. The C ring and transport are built into the kernel.
    pub modules: Vec<(String, u64)>,
    /// From the request to bind until that is done, in ms.
    #[serde(default)]
    pub probe: Vec<(Side, Summary)>,
    /// From the request to bind until a disk is there and its first block was read, in ms.
    pub first_read: Vec<(Side, Summary)>,
    /// Memory for a queue of 256 descriptors and its requests, the block layer's part included, in KiB.
    #[serde(default)]
    pub queue: Vec<(Side, Summary)>,
}

/// Measures, binding each driver `rounds` times, in turns.
///
/// # Errors
///
/// Those of [`Guest::run`].
pub fn run(lab: &Lab, rounds: usize) -> Result<Footprint> {
    let mut finally = format!("module_sizes {MODULES}\n");
    for _ in 0..rounds {
        for side in VIRTIO {
            finally += &format!("bind_time {} {}\n", side.address(), side.driver());
        }
    }
    let session = Session::new("footprint: modules and start", &VIRTIO, &[], 0);
    let found = session.run(lab, Counting::Off, &[], &finally)?.outcome;
    let mut modules = Vec::new();
    for name in MODULES.split(' ') {
        modules.extend(facts(&found, "module", name)?.into_iter().map(|size| (name.to_owned(), size as u64)));
    }
    let times = |kind| {
        let of_side = |side: Side| summary(side, facts(&found, kind, side.driver())?, 1e6);
        VIRTIO.into_iter().map(of_side).collect::<Result<Vec<_>>>()
    };
    Ok(Footprint { modules, probe: times("probe")?, first_read: times("bind")?, queue: queue(lab, rounds)? })
}

/// What disks with [`CPUS`] queues take more than as many with one, by queue.
fn queue(lab: &Lab, rounds: usize) -> Result<Vec<(Side, Summary)>> {
    let many: Vec<u32> = (0x10..0x10 + DISKS).collect();
    let one: Vec<u32> = (0x10 + DISKS..0x10 + 2 * DISKS).collect();
    let words = |slots: &[u32]| {
        slots.iter().fold(String::new(), |words, slot| words + &format!(" 0000:00:{slot:x}.0"))
    };
    let mut devices = Vec::new();
    for (slots, queues) in [(&many, CPUS), (&one, 1)] {
        for slot in slots {
            let node = format!("memory-{slot:x}");
            devices.push("--blockdev".to_owned());
            devices.push(format!("node-name={node},{}", Backend::Nothing.options(Side::C)));
            devices.push("--device".to_owned());
            devices.push(format!("virtio-blk-pci,drive={node},addr={slot:x},num-queues={queues}"));
        }
    }
    let all = words(&many) + &words(&one);
    let mut plan = "modprobe virtio_blk\n".to_owned();
    for side in VIRTIO {
        let driver = side.driver();
        if side == Side::Rust {
            // All back to C first: our driver takes what nobody has as soon as it is loaded.
            plan += &format!(
                "for bdf in{all}; do echo \"$bdf\" >/sys/bus/pci/drivers/{}/bind; done\n",
                Side::C.driver()
            );
            plan += &format!("for bdf in{all}; do take_over \"$bdf\"; done\n");
        }
        plan += &format!("for bdf in{all}; do\nexpect_driver \"$bdf\" {driver}\n");
        plan += &format!("echo \"$bdf\" >/sys/bus/pci/drivers/{driver}/unbind\ndone\n");
        // The first time caches of the kernel grow that stay.
        for _ in 0..=rounds {
            plan += &format!("bound_memory {driver} {CPUS}{}\n", words(&many));
            plan += &format!("bound_memory {driver} 1{}\n", words(&one));
        }
    }
    let guest = Guest { name: "footprint: queues", devices, cpus: CPUS, counting: Counting::Off };
    let found = guest.run(lab, &plan, 0)?;
    let of_side = |side: Side| {
        let taken = |queues: u32| facts(&found, "memory", &format!("{}/{queues}", side.driver()));
        let difference = taken(CPUS)?.into_iter().zip(taken(1)?).map(|(many, one)| many - one);
        summary(side, difference.skip(1).collect(), f64::from(DISKS * (CPUS - 1)))
    };
    VIRTIO.into_iter().map(of_side).collect()
}

/// The numbers of all facts of this kind about `name`.
fn facts(found: &Outcome, kind: &str, name: &str) -> Result<Vec<f64>> {
    let matching =
        found.facts.iter().filter(|words| words.len() == 3 && words[0] == kind && words[1] == name);
    matching.map(|words| words[2].parse().with_context(|| format!("{words:?} is no number"))).collect()
}

fn summary(side: Side, samples: Vec<f64>, unit: f64) -> Result<(Side, Summary)> {
    let summary = Summary::of(samples.into_iter().map(|sample| sample / unit));
    Ok((side, summary.with_context(|| format!("{} was not measured", side.title()))?))
}
