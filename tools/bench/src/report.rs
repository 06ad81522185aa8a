// SPDX-License-Identifier: GPL-2.0

//! The report: tables for the terminal, and with plots between two marks in a text that people write.

use crate::{
    devices::Accesses,
    footprint::Footprint,
    instructions::Cost,
    layer::{LAYERS, Layer},
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
    let mut table = Table::new(&["driver", "load", "old", "new", "change"]);
    for cost in new.instructions.iter().chain(&new.rings) {
        let same = |other: &&Cost| {
            (other.side, other.workload, &other.device_options)
                == (cost.side, cost.workload, &cost.device_options)
        };
        let Some(before) = old.instructions.iter().chain(&old.rings).find(same) else { continue };
        let (before, after) = (before.driver.median, cost.driver.median);
        let change = format!("{:+.1} %", (after / before - 1.0) * 100.0);
        table.row([
            cost.side.title().to_owned(),
            load(cost),
            format!("{before:.1}"),
            format!("{after:.1}"),
            change,
        ]);
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
    let mut table = Table::new(&["instructions", "layer", "function"]);
    for share in profile.driver_shares().take(number) {
        let (layer, function) = (share.layer.title().to_owned(), format!("`{}`", share.function));
        table.row([format!("{:.1}", share.instructions), layer, function]);
    }
    table.after(&format!("Dearest functions of {driver}, {load}:"))
}

fn load(cost: &Cost) -> String {
    let options = &cost.device_options;
    if options.is_empty() { cost.workload.to_string() } else { format!("{}, {options}", cost.workload) }
}

fn whole(value: f64) -> String {
    format!("{value:.0}")
}

fn ratio(value: f64) -> String {
    format!("{value:.2}")
}

fn spread(of: &Summary) -> String {
    format!("{:.1} %", of.spread())
}

fn costs(heading: &str, costs: &[Cost], side: Side) -> String {
    let mut table = Table::new(&["load", "in", "C", side.title(), "ratio", "spread"]);
    for (ours, c) in against_c(costs, side) {
        for (part, ours_too, c) in [
            ("driver and ring", ours.driver, c.driver),
            ("block layer and below", ours.work, c.work),
            ("whole kernel", ours.kernel, c.kernel),
        ] {
            let worst = if c.spread() > ours_too.spread() { c } else { ours_too };
            table.row([
                load(ours),
                part.to_owned(),
                whole(c.median),
                whole(ours_too.median),
                ratio(ours_too.median / c.median),
                spread(&worst),
            ]);
        }
    }
    table.after(&format!("### {heading}"))
}

fn layers<'a>(costs: impl Iterator<Item = &'a Cost>) -> String {
    let mut table = Table::new(&[&["load", "driver"][..], &LAYERS.map(Layer::title)].concat());
    for cost in costs {
        let layers = cost.profile.layers();
        let values = LAYERS.map(|layer| whole(layers.get(&layer).copied().unwrap_or_default()));
        table.row([load(cost), cost.side.title().to_owned()].into_iter().chain(values));
    }
    table.after("By layer:")
}

fn accesses(heading: &str, all: &[Accesses]) -> String {
    let mut table = Table::new(&[
        "load",
        "driver",
        "doorbells and other writes",
        "spread",
        "against C",
        "interrupts",
        "spread",
        "against C",
        "reads",
        "port accesses",
    ]);
    let per_operation = |of: &Summary| format!("{:.3}", of.median);
    for one in all {
        let c = all.iter().find(|c| c.side == Side::C && c.workload == one.workload).unwrap_or(one);
        table.row([
            one.workload.to_string(),
            one.side.title().to_owned(),
            per_operation(&one.writes),
            spread(&one.writes),
            ratio(one.writes.median / c.writes.median),
            per_operation(&one.interrupts),
            spread(&one.interrupts),
            ratio(one.interrupts.median / c.interrupts.median),
            per_operation(&one.reads),
            per_operation(&one.ports),
        ]);
    }
    table.after(&format!("### {heading}"))
}

fn emulation(costs: &[Cost]) -> String {
    let mut table = Table::new(&["load", "controller", "block layer and below", "against C virtio"]);
    for side in [Side::C, Side::Rust, Side::Ahci, Side::Ide] {
        for (cost, c) in against_c(costs, side) {
            let (work, against) = (cost.work.median, cost.work.median / c.work.median);
            table.row([load(cost), side.title().to_owned(), whole(work), ratio(against)]);
        }
    }
    table.after("### Fully emulated controllers\n\nInstructions per operation, same guest:")
}

fn rates(results: &Results) -> String {
    let mut table = Table::new(&[
        "load",
        "back end",
        "CPUs and queues",
        "driver",
        "median",
        "spread",
        "against C, round by round",
        "spread",
    ]);
    for rate in &results.rates {
        table.row([
            rate.workload.to_string(),
            rate.backend.clone(),
            rate.cpus.to_string(),
            rate.side.title().to_owned(),
            whole(rate.iops.median),
            spread(&rate.iops),
            ratio(rate.ratio.median),
            spread(&rate.ratio),
        ]);
    }
    let by = results.rates.first().map_or("", |rate| &rate.accelerator);
    table.after(&format!("### Operations per second\n\nWith {by}; they depend on the load of the host."))
}

fn network(results: &Results) -> String {
    let mut speeds =
        Table::new(&["load", "CPUs", "interface", "median", "", "spread", "ratio, round by round", "spread"]);
    for speed in &results.speeds {
        speeds.row([
            speed.traffic.to_string(),
            speed.cpus.to_string(),
            speed.nic.title().to_owned(),
            whole(speed.rate.median),
            speed.traffic.unit().to_owned(),
            spread(&speed.rate),
            ratio(speed.ratio.median),
            spread(&speed.ratio),
        ]);
    }
    let mut packets = Table::new(&[
        "load",
        "interface",
        "driver",
        "network layer",
        "whole kernel",
        "device writes",
        "reads",
        "interrupts",
    ]);
    for cost in &results.packets {
        let network = cost.profile.layers().get(&Layer::Network).copied().unwrap_or_default();
        let accesses = [cost.writes, cost.reads, cost.interrupts].map(|number| format!("{number:.3}"));
        let instructions = [cost.profile.driver(), network, cost.profile.kernel()].map(whole);
        let names = [cost.traffic.to_string(), cost.nic.title().to_owned()];
        packets.row(names.into_iter().chain(instructions).chain(accesses));
    }
    speeds.after(
        "### Network\n\nBetween guest and host, by a tap device; speeds depend on the load of the host. Against \
         the first interface of the same load:",
    ) + &packets.after("Per operation: a packet in the direction under test, a round trip, a connection:")
}

fn footprint(found: &Footprint) -> String {
    let mut modules = Table::new(&["module", "loaded, KiB"]);
    for (module, bytes) in &found.modules {
        modules.row([module.clone(), (bytes / 1024).to_string()]);
    }
    let mut drivers = Table::new(&["driver", "", "median", "spread"]);
    for (what, all) in [
        ("bind, ms", &found.probe),
        ("bind to first read, ms", &found.first_read),
        ("memory of a queue and its requests, KiB", &found.queue),
    ] {
        for (side, value) in all {
            let median = format!("{:.1}", value.median);
            drivers.row([side.title().to_owned(), what.to_owned(), median, spread(value)]);
        }
    }
    modules.after("### Footprint") + &drivers.after("Time and memory of drivers:")
}
