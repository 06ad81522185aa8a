// SPDX-License-Identifier: GPL-2.0

//! The report: tables and plots between two marks in a text that people write.

use crate::{
    devices::Accesses,
    footprint::Footprint,
    instructions::Cost,
    layer::Layer,
    net::PacketCost,
    plots,
    results::{Results, against_c},
    side::Side,
    throughput::Rate,
    workload::Workload,
};
use anyhow::{Context as _, Result, bail};
use std::{fmt::Write as _, fs, path::Path};

const BEGIN: &str = "<!-- results: written by make bench -->\n";
const END: &str = "<!-- end of results -->\n";

/// Functions that are listed for each driver.
const LISTED: usize = 15;

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
    let report = report(results, &plots);
    let text = format!("{}{BEGIN}\n{report}\n{}", &text[..begin], &text[end..]);
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn report(results: &Results, plots: &[(&str, &str)]) -> String {
    let picture = |wanted: &str| match plots.iter().find(|(name, _)| *name == wanted) {
        Some((name, caption)) => format!("![{caption}](performance/{name}.svg)\n\n"),
        None => String::new(),
    };
    let mut out = machine(results);
    out += &costs("Instructions per operation", &results.instructions, Side::Rust);
    out += &(picture("driver") + &picture("kernel"));
    out += &layers(results);
    out += &functions(results);
    out += &(accesses("Doorbells and interrupts", &results.accesses) + &picture("accesses"));
    out += &(costs("Ring formats", &results.rings, Side::Rust) + &picture("rings"));
    out += &costs("SCSI hosts", &results.scsi, Side::ScsiRust);
    out += &emulation(results);
    out += &(rates(results) + &picture("rates"));
    out += &network(results);
    if let Some(found) = &results.footprint {
        out += &footprint(found);
    }
    out
}

fn machine(results: &Results) -> String {
    let machine = &results.machine;
    let mut out = format!(
        "Commit {}, guest kernel {}, QEMU {} with TCG, on {} × {}.\n\n",
        machine.commit, machine.kernel, machine.qemu, machine.processors, machine.processor
    );
    if !results.missing.is_empty() {
        out += "**Partial**: some measurements failed and have no number here.\n\n";
        for missing in &results.missing {
            let _ = writeln!(out, "- {}", missing.lines().next().unwrap_or_default());
        }
        out.push('\n');
    }
    out
}

fn load(cost: &Cost) -> String {
    let options = &cost.device_options;
    if options.is_empty() { cost.workload.to_string() } else { format!("{}, {options}", cost.workload) }
}

fn costs(title: &str, costs: &[Cost], side: Side) -> String {
    if costs.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "### {title}\n\n| load | driver and ring: C | {0} | ratio | spread | block layer and below: C | {0} | ratio | spread | whole kernel: C | {0} | ratio | spread |\n|---|{1}\n",
        side.title(),
        "--:|".repeat(12)
    );
    for (ours, c) in against_c(costs, side) {
        let _ = write!(out, "| {} ", load(ours));
        for (ours, c) in [(ours.driver, c.driver), (ours.work, c.work), (ours.kernel, c.kernel)] {
            let ratio = ours.median / c.median;
            let spread = c.spread().max(ours.spread());
            let _ = write!(out, "| {:.0} | {:.0} | **{ratio:.2}** | {spread:.1} % ", c.median, ours.median);
        }
        out += "|\n";
    }
    out.push('\n');
    out
}

/// The load that is looked at in detail.
fn detail(results: &Results, side: Side) -> Option<&Cost> {
    results.instructions.iter().find(|cost| cost.side == side && cost.workload == Workload::reads(32))
}

fn layers(results: &Results) -> String {
    let (Some(c), Some(ours)) = (detail(results, Side::C), detail(results, Side::Rust)) else {
        return String::new();
    };
    let (c, ours) = (c.profile.layers(), ours.profile.layers());
    let mut out = format!("By layer, {}:\n\n| layer | C | rvirtio |\n|---|--:|--:|\n", Workload::reads(32));
    let all = [
        Layer::FrontEnd,
        Layer::Ring,
        Layer::Transport,
        Layer::Helpers,
        Layer::Allocator,
        Layer::Interrupt,
        Layer::Block,
        Layer::System,
        Layer::Time,
    ];
    for layer in all {
        let value =
            |layers: &std::collections::BTreeMap<Layer, f64>| layers.get(&layer).copied().unwrap_or_default();
        let _ = writeln!(out, "| {} | {:.0} | {:.0} |", layer.title(), value(&c), value(&ours));
    }
    out.push('\n');
    out
}

fn functions(results: &Results) -> String {
    let mut out = String::new();
    for side in [Side::C, Side::Rust] {
        let Some(cost) = detail(results, side) else { continue };
        let _ = write!(
            out,
            "Dearest functions of {}, {}:\n\n| instructions | layer | function |\n|--:|---|---|\n",
            side.title(),
            cost.workload
        );
        for share in cost.profile.driver_shares().take(LISTED) {
            let _ = writeln!(
                out,
                "| {:.1} | {} | `{}` |",
                share.instructions,
                share.layer.title(),
                share.function
            );
        }
        out.push('\n');
    }
    out
}

fn accesses(title: &str, all: &[Accesses]) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut out = format!(
        "### {title}\n\n| load | driver | doorbells and other writes | spread | reads | port accesses | interrupts | spread |\n|---|---|--:|--:|--:|--:|--:|--:|\n"
    );
    for Accesses { workload, side, writes, reads, ports, interrupts } in all {
        let _ = writeln!(
            out,
            "| {workload} | {} | {:.3} | {:.0} % | {:.3} | {:.3} | {:.3} | {:.0} % |",
            side.title(),
            writes.median,
            writes.spread(),
            reads.median,
            ports.median,
            interrupts.median,
            interrupts.spread()
        );
    }
    out.push('\n');
    out
}

fn emulation(results: &Results) -> String {
    if results.emulation.is_empty() {
        return String::new();
    }
    let mut out = "### Fully emulated controllers\n\nInstructions per operation, same guest:\n\n| load | controller | block layer and below | against C virtio |\n|---|---|--:|--:|\n".to_owned();
    for side in [Side::C, Side::Rust, Side::Ahci, Side::Ide] {
        for (cost, c) in against_c(&results.emulation, side) {
            let (work, ratio) = (cost.work.median, cost.work.median / c.work.median);
            let _ = writeln!(out, "| {} | {} | {work:.0} | {ratio:.2} |", load(cost), side.title());
        }
    }
    out.push('\n');
    out + &accesses("Their accesses to devices", &results.emulated_accesses)
}

fn rates(results: &Results) -> String {
    if results.rates.is_empty() {
        return String::new();
    }
    let by = &results.rates[0].accelerator;
    let mut out = format!(
        "### Operations per second\n\nWith {by}.\n\n| load | back end | CPUs and queues | driver | median | spread | against C, round by round | spread |\n|---|---|--:|---|--:|--:|--:|--:|\n"
    );
    for Rate { backend, cpus, workload, side, iops, ratio, .. } in &results.rates {
        let (title, median, spread) = (side.title(), iops.median, iops.spread());
        let (ratio, ratio_spread) = (ratio.median, ratio.spread());
        let _ = writeln!(
            out,
            "| {workload} | {backend} | {cpus} | {title} | {median:.0} | {spread:.0} % | **{ratio:.2}** | {ratio_spread:.0} % |"
        );
    }
    out.push('\n');
    out
}

fn network(results: &Results) -> String {
    let mut out = String::new();
    if !results.speeds.is_empty() {
        out += "### Network\n\nBetween guest and host, by a tap device. Against the first interface of the same load:\n\n\
                | load | CPUs | interface | median | | spread | ratio, round by round | spread |\n|---|--:|---|--:|---|--:|--:|--:|\n";
    }
    for speed in &results.speeds {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.0} | {} | {:.0} % | **{:.2}** | {:.0} % |",
            speed.traffic,
            speed.cpus,
            speed.nic.title(),
            speed.rate.median,
            speed.traffic.unit(),
            speed.rate.spread(),
            speed.ratio.median,
            speed.ratio.spread()
        );
    }
    if !results.packets.is_empty() {
        out += "\nPer operation: a packet in the direction under test, a round trip, a connection:\n\n\
                | load | interface | driver | network layer | whole kernel | device writes | reads | interrupts |\n|---|---|--:|--:|--:|--:|--:|--:|\n";
    }
    for cost in &results.packets {
        out += &packet(cost);
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn packet(cost: &PacketCost) -> String {
    let PacketCost { traffic, nic, writes, reads, interrupts, profile } = cost;
    let (driver, kernel) = (profile.driver(), profile.kernel());
    let network = profile.layers().get(&Layer::Network).copied().unwrap_or_default();
    let title = nic.title();
    format!(
        "| {traffic} | {title} | {driver:.0} | {network:.0} | {kernel:.0} | {writes:.3} | {reads:.3} | {interrupts:.3} |\n"
    )
}

fn footprint(found: &Footprint) -> String {
    let mut out = "### Footprint\n\n| module | loaded, KiB |\n|---|--:|\n".to_owned();
    for (module, bytes) in &found.modules {
        let _ = writeln!(out, "| {module} | {} |", bytes / 1024);
    }
    out += "\n| driver | | median | spread |\n|---|---|--:|--:|\n";
    for (what, all) in [
        ("bind, ms", &found.probe),
        ("bind to first read, ms", &found.first_read),
        ("memory of a queue and its requests, KiB", &found.queue),
    ] {
        for (side, value) in all {
            let _ = writeln!(
                out,
                "| {} | {what} | {:.1} | {:.0} % |",
                side.title(),
                value.median,
                value.spread()
            );
        }
    }
    out
}
