// SPDX-License-Identifier: GPL-2.0

//! What is measured, and in which order: what does not depend on the host's load comes first.

use crate::{
    backend::Backend,
    cli::{Cli, Group},
    devices, footprint, instructions,
    lab::Lab,
    net::{self, FULL, Nic, SMALL, TINY, Traffic},
    results::Results,
    session::Session,
    side::{SCSI, Side, VIRTIO},
    throughput,
    workload::{Engine, Pattern, Workload},
};
use anyhow::Result;
use std::path::Path;

/// Emulated controllers beside C's virtio.
const EMULATED: [Side; 4] = [Side::C, Side::Rust, Side::Ahci, Side::Ide];

/// Device options of ring formats, and how buffers get into them.
const RINGS: [&str; 4] = ["", ",in_order=on", ",packed=on", ",packed=on,in_order=on"];
const ELEMENTS: [&str; 4] = ["", ",indirect_desc=off", ",event_idx=off", ",indirect_desc=off,event_idx=off"];

/// Adds one group to the results.
type Measure = fn(&Cli, &Lab, &mut Results) -> Result<()>;

/// Measures what `cli` asks for. After each group the results so far are saved, with what is missing.
///
/// # Errors
///
/// Only when the results cannot be saved; a measurement that fails is noted in them.
pub fn run(cli: &Cli, lab: &Lab, results: &mut Results, json: &Path) -> Result<()> {
    let groups: [(Group, Measure); 8] = [
        (Group::Instructions, instructions),
        (Group::Accesses, accesses),
        (Group::Rings, rings),
        (Group::Scsi, scsi),
        (Group::Emulation, emulation),
        (Group::Footprint, sizes),
        (Group::Throughput, rates),
        (Group::Network, network),
    ];
    // Before anything is measured it shall be known that it can be kept.
    results.save(json)?;
    for (group, measure) in groups {
        if !cli.wants(group) || (cli.quick && cli.groups.is_empty() && !in_quick(group)) {
            continue;
        }
        if let Err(error) = measure(cli, lab, results) {
            lab.note(&format!("{error:#}"));
            results.missing.push(format!("{group:?}: {error:#}"));
        }
        results.save(json)?;
    }
    Ok(())
}

fn in_quick(group: Group) -> bool {
    matches!(group, Group::Instructions | Group::Accesses | Group::Throughput)
}

fn instructions(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    let base = Workload::reads(32);
    let all = [
        Workload::reads(1),
        base,
        Workload { batch: 16, ..base },
        Workload { engine: Engine::Libaio, ..Workload::reads(1) },
        Workload { engine: Engine::Libaio, ..base },
        Workload { pattern: Pattern::RandWrite, ..base },
        Workload { kib: 64, ..base },
        Workload { pattern: Pattern::Read, kib: 64, ..base },
        Workload { pattern: Pattern::Write, ..base },
    ];
    let (workloads, rounds, operations) =
        if cli.quick { (&all[..3], 2, (300, 2000)) } else { (&all[..], 3, (500, 6000)) };
    let session = Session::new("instructions per operation", &VIRTIO, workloads, rounds);
    results.instructions = instructions::costs(&session, lab, operations)?;
    Ok(())
}

fn accesses(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    let depths: &[u32] = if cli.quick { &[1, 32] } else { &[1, 2, 4, 8, 16, 32, 64, 128] };
    let rounds = if cli.quick { 2 } else { 3 };
    let mut workloads: Vec<Workload> = depths.iter().map(|&depth| Workload::reads(depth)).collect();
    if !cli.quick {
        workloads.push(Workload { batch: 16, ..Workload::reads(32) });
    }
    let session = Session::new("doorbells and interrupts", &VIRTIO, &workloads, rounds);
    results.accesses = devices::accesses(&session, lab)?;
    Ok(())
}

fn rings(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    for options in RINGS.iter().flat_map(|ring| ELEMENTS.map(|elements| format!("{ring}{elements}"))) {
        let name = format!("ring: {}", if options.is_empty() { "defaults" } else { &options[1..] });
        let (workloads, rounds) = ([Workload::reads(32)], if cli.quick { 1 } else { 2 });
        let plain = Session::new(&name, &VIRTIO, &workloads, rounds);
        let session = Session { device_options: &options, ..plain };
        results.rings.extend(instructions::costs(&session, lab, (300, 2500))?);
    }
    Ok(())
}

fn scsi(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    let base = Workload::reads(32);
    let all = [Workload::reads(1), base, Workload { pattern: Pattern::RandWrite, ..base }];
    let workloads = if cli.quick { &all[..2] } else { &all };
    let session = Session::new("SCSI hosts: instructions", &SCSI, workloads, 2);
    results.scsi = instructions::costs(&session, lab, (300, 2000))?;
    Ok(())
}

fn emulation(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    let workloads = [Workload::reads(1), Workload::reads(32)];
    let rounds = if cli.quick { 1 } else { 2 };
    let session = Session::new("emulated controllers: instructions", &EMULATED, &workloads, rounds);
    results.emulation = instructions::costs(&session, lab, (300, 2000))?;
    let name = "emulated controllers: accesses and interrupts";
    results.emulated_accesses = devices::accesses(&Session::new(name, &EMULATED, &workloads, 1), lab)?;
    Ok(())
}

fn network(cli: &Cli, cloud: &Lab, results: &mut Results) -> Result<()> {
    if cli.quick {
        return quick_network(cloud, results);
    }
    // Debian's cloud kernel has no drivers for hardware that QEMU emulates.
    let lab = Lab::new(cloud.source(), Some("generic"))?;
    let all = [
        Traffic::TcpSend,
        Traffic::TcpReceive,
        Traffic::UdpSend(SMALL),
        Traffic::UdpSend(FULL),
        Traffic::UdpReceive(SMALL),
        Traffic::UdpReceive(FULL),
        Traffic::Echo,
        Traffic::Connect,
    ];
    let counted = [
        Traffic::TcpSend,
        Traffic::TcpReceive,
        Traffic::UdpSend(TINY),
        Traffic::UdpSendAt(1000),
        Traffic::UdpSendAt(4000),
        Traffic::UdpReceiveAt(1000),
        Traffic::UdpReceiveAt(4000),
        Traffic::Echo,
        Traffic::Connect,
    ];
    let (rounds, seconds) = (5, 1);
    results.packets = net::costs(&lab, &Nic::ALL, &counted, rounds)?;
    results.speeds = net::speeds(&lab, &Nic::ALL, &all, 1, rounds, seconds)?;
    results.speeds.extend(net::speeds(&lab, &[Nic::C], &all[..2], 4, rounds, seconds)?);
    Ok(())
}

fn quick_network(lab: &Lab, results: &mut Results) -> Result<()> {
    let counted =
        [Traffic::TcpSend, Traffic::TcpReceive, Traffic::UdpSend(TINY), Traffic::UdpReceiveAt(4000)];
    results.packets = net::costs(lab, &Nic::VIRTIO, &counted, 1)?;
    let timed = [Traffic::TcpSend, Traffic::TcpReceive, Traffic::UdpSend(TINY), Traffic::Echo];
    results.speeds = net::speeds(lab, &Nic::VIRTIO, &timed, 1, 5, 1)?;
    Ok(())
}

fn sizes(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    results.footprint = Some(footprint::run(lab, if cli.quick { 3 } else { 5 })?);
    Ok(())
}

fn rates(cli: &Cli, lab: &Lab, results: &mut Results) -> Result<()> {
    // Short turns: what disturbs one side shall disturb the other as well.
    let (rounds, seconds) = (5, 1);
    let base = Workload::reads(32);
    let mut measure = |name: &str, sides: &[Side], backend, cpus, workloads: &[Workload]| -> Result<()> {
        let session = Session { backend, cpus, ..Session::new(name, sides, workloads, rounds) };
        results.rates.extend(throughput::rates(&session, lab, seconds)?);
        Ok(())
    };
    let nothing = || Backend::Nothing;
    if cli.quick {
        return measure("operations per second", &VIRTIO, nothing(), 1, &[Workload::reads(1), base]);
    }
    let depths = [1, 4, 32, 128].map(Workload::reads);
    let engines = [
        Workload { batch: 16, ..base },
        Workload { engine: Engine::Libaio, ..Workload::reads(1) },
        Workload { engine: Engine::Libaio, ..base },
    ];
    let patterns = [
        Workload { pattern: Pattern::RandWrite, ..base },
        Workload { pattern: Pattern::Read, ..base },
        Workload { pattern: Pattern::Write, ..base },
    ];
    let large = [Pattern::RandRead, Pattern::RandWrite, Pattern::Read, Pattern::Write]
        .map(|pattern| Workload { pattern, kib: 64, ..base });
    let all = [&depths[..], &engines, &patterns, &large].concat();
    measure("operations per second", &VIRTIO, nothing(), 1, &all)?;
    let queued = [&depths[..], &patterns[..1]].concat();
    measure("operations per second, 4 queues", &VIRTIO, nothing(), 4, &queued)?;
    let both = [depths[0], base];
    measure("operations per second, emulated controllers", &EMULATED, nothing(), 1, &both)?;
    let synced = Workload { pattern: Pattern::RandWrite, depth: 4, fsync: 4, ..base };
    let on_files = [base, patterns[0], large[2], large[3], synced];
    let raw = Backend::files(lab, &VIRTIO, "raw")?;
    measure("operations per second, raw files", &VIRTIO, raw, 1, &on_files)?;
    let qcow2 = Backend::files(lab, &VIRTIO, "qcow2")?;
    measure("operations per second, qcow2 files", &VIRTIO, qcow2, 1, &on_files)
}
