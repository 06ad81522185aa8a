// SPDX-License-Identifier: GPL-2.0

//! The report: tables for the terminal, and with plots between two marks in a text that people write.

use crate::{
    devices::Accesses,
    footprint::Footprint,
    instructions::Cost,
    layer::{LAYERS, Layer},
    net::PacketCost,
    plots,
    profile::Profile,
    results::{Results, against_c},
    side::Side,
    stats::Summary,
    table::Table,
    workload::Workload,
};
use anyhow::{Context as _, Result, bail};
use std::{fs, path::Path};

const BEGIN: &str = "<!-- results: written by make bench -->\n";
const END: &str = "<!-- end of results -->\n";

/// Brings `performance.md` in `dir` up to date, and its plots in `performance/`.
///
/// # Errors
///
/// When the text or the plots cannot be written, or the text has lost its marks.
pub fn write(results: &Results, dir: &Path) -> Result<()> {
    let plots = plots::write(results, &dir.join("performance"))?;
    let path = dir.join("performance.md");
    let text = fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()))?;
    let (Some(begin), Some(end)) = (text.find(BEGIN), text.find(END)) else {
        bail!("{} has lost the lines between which results belong: {BEGIN}{END}", path.display())
    };
    let picture = |wanted: &str| match plots.iter().find(|(name, _)| *name == wanted) {
        Some((name, caption)) => format!("![{caption}](performance/{name}.svg)\n\n"),
        None => String::new(),
    };
    let costs = results.instructions.iter().filter(|cost| cost.workload == Workload::reads(32));
    let detail = layers(costs.clone()) + &costs.map(|cost| dearest(cost, 15)).collect::<String>();
    let report = machine(results) + &figures(results, &detail, &picture);
    let text = format!("{}{BEGIN}\n{report}{}", &text[..begin], &text[end..]);
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

/// All figures for the terminal.
pub fn tables(results: &Results) -> String {
    figures(results, "", &|_| String::new())
}

/// All figures, with pictures of some; `detail` is put after the first of them.
fn figures(results: &Results, detail: &str, picture: &dyn Fn(&str) -> String) -> String {
    let mut out = String::new();
    if !results.missing.is_empty() {
        out += "PARTIAL: some measurements failed and have no number here.\n\n";
        for missing in &results.missing {
            out += &format!("- {}\n", missing.lines().next().unwrap_or_default());
        }
        out.push('\n');
    }
    out += &costs("Instructions per operation", &results.instructions, Side::Rust);
    out += &(picture("driver") + &picture("kernel") + detail);
    out += &accesses("Doorbells and interrupts", &results.accesses);
    out += &costs("Ring formats", &results.rings, Side::Rust);
    out += &costs("SCSI hosts", &results.scsi, Side::ScsiRust);
    out += &emulation(&results.emulation);
    out += &accesses("Fully emulated controllers: accesses to devices", &results.emulated_accesses);
    out + &rates(results) + &network(results) + &results.footprint.as_ref().map_or(String::new(), footprint)
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    format!(
        "Commit {}, guest kernel {}, QEMU {} with TCG, on {} × {}.\n\n",
        machine.commit, machine.kernel, machine.qemu, machine.processors, machine.processor
    )
}

/// Instructions of two runs, for each load and driver that both have.
pub fn compare(old: &Results, new: &Results) -> String {
    let mut table = Table::new("driver|load|old|new|change");
    for cost in new.instructions.iter().chain(&new.rings) {
        let same = |other: &&Cost| {
            (other.side, other.workload, &other.device_options)
                == (cost.side, cost.workload, &cost.device_options)
        };
        let Some(before) = old.instructions.iter().chain(&old.rings).find(same) else { continue };
        let (before, after) = (before.driver.median, cost.driver.median);
        let (driver, load, change) = (cost.side.title(), load(cost), (after / before - 1.0) * 100.0);
        table.row(&format!("{driver}|{load}|{before:.1}|{after:.1}|{change:+.1} %"));
    }
    table.after("Driver and ring, instructions per operation:")
}

/// The dearest functions of each driver, for each load.
pub fn functions(results: &Results) -> String {
    let disks = results.instructions.iter().map(|cost| dearest(cost, 25));
    let packets = results.packets.iter();
    let packets =
        packets.map(|cost| of_profile(cost.nic.title(), &cost.traffic.to_string(), &cost.profile, 25));
    disks.chain(packets).collect()
}

fn dearest(cost: &Cost, number: usize) -> String {
    of_profile(cost.side.title(), &load(cost), &cost.profile, number)
}

fn of_profile(driver: &str, load: &str, profile: &Profile, number: usize) -> String {
    let mut table = Table::new("instructions|layer|function");
    for share in profile.driver_shares().take(number) {
        table.row(&format!("{:.1}|{}|`{}`", share.instructions, share.layer.title(), share.function));
    }
    table.after(&format!("Dearest functions of {driver}, {load}:"))
}

fn load(cost: &Cost) -> String {
    let options = &cost.device_options;
    if options.is_empty() { cost.workload.to_string() } else { format!("{}, {options}", cost.workload) }
}

fn spread(of: &Summary) -> String {
    format!("{:.1} %", of.spread())
}

/// Two cells: median with so many decimals, and spread.
fn measured(of: &Summary, decimals: usize) -> String {
    format!("{:.decimals$}|{}", of.median, spread(of))
}

fn costs(heading: &str, costs: &[Cost], side: Side) -> String {
    let mut table = Table::new(&format!("load|in|C|{}|ratio|spread", side.title()));
    for (ours, c) in against_c(costs, side) {
        for (part, ours_too, c) in [
            ("driver and ring", ours.driver, c.driver),
            ("block layer and below", ours.work, c.work),
            ("whole kernel", ours.kernel, c.kernel),
        ] {
            let worst = spread(if c.spread() > ours_too.spread() { &c } else { &ours_too });
            let (load, c, ours_too) = (load(ours), c.median, ours_too.median);
            table.row(&format!("{load}|{part}|{c:.0}|{ours_too:.0}|{:.2}|{worst}", ours_too / c));
        }
    }
    table.after(&format!("### {heading}"))
}

fn layers<'a>(costs: impl Iterator<Item = &'a Cost>) -> String {
    let mut table = Table::new(&format!("load|driver|{}", LAYERS.map(Layer::title).join("|")));
    for cost in costs {
        let layers = cost.profile.layers();
        let value = |layer| format!("{:.0}", layers.get(&layer).copied().unwrap_or_default());
        table.row(&format!("{}|{}|{}", load(cost), cost.side.title(), LAYERS.map(value).join("|")));
    }
    table.after("By layer:")
}

fn accesses(heading: &str, all: &[Accesses]) -> String {
    let mut table = Table::new(
        "load|driver|doorbells and other writes|spread|against C|interrupts|spread|against C|reads|port accesses",
    );
    for one in all {
        let c = all.iter().find(|c| c.side == Side::C && c.workload == one.workload).unwrap_or(one);
        let compared =
            |of: Summary, c: Summary| format!("{:.3}|{}|{:.2}", of.median, spread(&of), of.median / c.median);
        let (writes, interrupts) = (compared(one.writes, c.writes), compared(one.interrupts, c.interrupts));
        let (load, driver, reads, ports) =
            (one.workload, one.side.title(), one.reads.median, one.ports.median);
        table.row(&format!("{load}|{driver}|{writes}|{interrupts}|{reads:.3}|{ports:.3}"));
    }
    table.after(&format!("### {heading}"))
}

fn emulation(costs: &[Cost]) -> String {
    let mut table = Table::new("load|controller|block layer and below|against C virtio");
    for side in [Side::C, Side::Rust, Side::Ahci, Side::Ide] {
        for (cost, c) in against_c(costs, side) {
            let (work, against) = (cost.work.median, cost.work.median / c.work.median);
            table.row(&format!("{}|{}|{work:.0}|{against:.2}", load(cost), side.title()));
        }
    }
    table.after("### Fully emulated controllers\n\nInstructions per operation, same guest:")
}

fn rates(results: &Results) -> String {
    let mut table =
        Table::new("load|back end|CPUs and queues|driver|median|spread|against C, round by round|spread");
    for rate in &results.rates {
        let (iops, ratio) = (measured(&rate.iops, 0), measured(&rate.ratio, 2));
        let driver = rate.side.title();
        table.row(&format!("{}|{}|{}|{driver}|{iops}|{ratio}", rate.workload, rate.backend, rate.cpus));
    }
    let by = results.rates.first().map_or("", |rate| &rate.accelerator);
    table.after(&format!("### Operations per second\n\nWith {by}; they depend on the load of the host."))
}

fn network(results: &Results) -> String {
    let mut speeds = Table::new("load|CPUs|interface|median||spread|ratio, round by round|spread");
    for speed in &results.speeds {
        let (traffic, cpus, nic, unit) = (speed.traffic, speed.cpus, speed.nic.title(), speed.traffic.unit());
        let (rate, spread, ratio) = (speed.rate.median, spread(&speed.rate), measured(&speed.ratio, 2));
        speeds.row(&format!("{traffic}|{cpus}|{nic}|{rate:.0}|{unit}|{spread}|{ratio}"));
    }
    let mut packets =
        Table::new("load|interface|driver|network layer|whole kernel|device writes|reads|interrupts");
    for cost in &results.packets {
        let PacketCost { traffic, nic, writes, reads, interrupts, profile } = cost;
        let network = profile.layers().get(&Layer::Network).copied().unwrap_or_default();
        let instructions = format!("{:.0}|{network:.0}|{:.0}", profile.driver(), profile.kernel());
        let nic = nic.title();
        packets.row(&format!("{traffic}|{nic}|{instructions}|{writes:.3}|{reads:.3}|{interrupts:.3}"));
    }
    speeds.after(
        "### Network\n\nBetween guest and host, by a tap device; speeds depend on the load of the host. Against \
         the first interface of the same load:",
    ) + &packets.after("Per operation: a packet in the direction under test, a round trip, a connection:")
}

fn footprint(found: &Footprint) -> String {
    let mut modules = Table::new("module|loaded, KiB");
    for (module, bytes) in &found.modules {
        modules.row(&format!("{module}|{}", bytes / 1024));
    }
    let mut drivers = Table::new("driver||median|spread");
    for (what, all) in [
        ("bind, ms", &found.probe),
        ("bind to first read, ms", &found.first_read),
        ("memory of a queue and its requests, KiB", &found.queue),
    ] {
        for (side, value) in all {
            drivers.row(&format!("{}|{what}|{}", side.title(), measured(value, 1)));
        }
    }
    modules.after("### Footprint") + &drivers.after("Time and memory of drivers:")
}
