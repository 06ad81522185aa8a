// SPDX-License-Identifier: GPL-2.0

//! Tables for the terminal.

use crate::{
    instructions::Cost,
    results::{Results, against_c},
    side::Side,
    stats::Summary,
    throughput::Rate,
};
use std::fmt::Write as _;

/// Functions that are listed for each driver and load.
const LISTED: usize = 25;

/// One line per comparison: C, rvirtio, their ratio.
struct Table(String);

impl Table {
    fn new(title: &str) -> Self {
        let mut table = Self(String::new());
        table.line(title, &["C", "rvirtio", "ratio", "spread"].map(str::to_owned));
        table
    }

    fn line(&mut self, title: &str, cells: &[String; 4]) {
        let [c, ours, ratio, spread] = cells;
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{title:62} {c:>9} {ours:>9} {ratio:>6} {spread:>8}");
    }

    fn compare(&mut self, title: &str, c: Summary, ours: Summary) {
        let spread = c.spread().max(ours.spread());
        self.line(
            title,
            &[
                format!("{:.0}", c.median),
                format!("{:.0}", ours.median),
                format!("{:.2}", ours.median / c.median),
                format!("{spread:.1} %"),
            ],
        );
    }
}

/// All ratios of rvirtio to C. `spread` is that of the side with the larger one.
pub fn ratios(results: &Results) -> String {
    let mut out = String::new();
    if !results.missing.is_empty() {
        out += "PARTIAL: some measurements failed\n";
    }
    for (title, of) in [
        ("instructions per operation: driver and ring", (|cost: &Cost| cost.driver) as fn(&Cost) -> Summary),
        ("instructions per operation: block layer and below", |cost| cost.work),
        ("instructions per operation: whole kernel", |cost| cost.kernel),
    ] {
        let all = results.instructions.iter().chain(&results.rings);
        let costs: Vec<Cost> = all.cloned().collect();
        let mut table = Table::new(title);
        let mut rows = 0;
        for (ours, c) in against_c(&costs, Side::Rust) {
            table.compare(&format!("  {}", title_of(ours)), of(c), of(ours));
            rows += 1;
        }
        for (ours, c) in against_c(&results.scsi, Side::ScsiRust) {
            table.compare(&format!("  SCSI: {}", title_of(ours)), of(c), of(ours));
            rows += 1;
        }
        if rows > 0 {
            out += &table.0;
        }
    }
    out + &accesses(results) + &rates(results) + &network(results)
}

fn title_of(cost: &Cost) -> String {
    let options =
        if cost.device_options.is_empty() { String::new() } else { format!(", {}", cost.device_options) };
    format!("{}{options}", cost.workload)
}

fn accesses(results: &Results) -> String {
    let mut table = Table::new("doorbells and interrupts per operation");
    let mut rows = 0;
    for ours in results.accesses.iter().filter(|accesses| accesses.side == Side::Rust) {
        let same = |other: &&_| {
            let other: &crate::devices::Accesses = other;
            other.side == Side::C && other.workload == ours.workload
        };
        let Some(c) = results.accesses.iter().find(same) else { continue };
        for (what, c, ours_too) in
            [("doorbells", c.writes, ours.writes), ("interrupts", c.interrupts, ours.interrupts)]
        {
            let spread = c.spread().max(ours_too.spread());
            let (c, ours_too) = (c.median, ours_too.median);
            let ratio = format!("{:.2}", ours_too / c);
            let cells = [format!("{c:.3}"), format!("{ours_too:.3}"), ratio, format!("{spread:.1} %")];
            table.line(&format!("  {what}: {}", ours.workload), &cells);
        }
        rows += 1;
    }
    if rows > 0 { table.0 } else { String::new() }
}

fn rates(results: &Results) -> String {
    let mut table = Table::new("operations per second (depends on the host's load)");
    let ours = results.rates.iter().filter(|rate| rate.side == Side::Rust);
    let mut rows = 0;
    for rate in ours {
        let same = |other: &&Rate| {
            other.side == Side::C
                && (other.workload, &other.backend, other.cpus) == (rate.workload, &rate.backend, rate.cpus)
        };
        let Some(c) = results.rates.iter().find(same) else { continue };
        let cells = [
            format!("{:.0}", c.iops.median),
            format!("{:.0}", rate.iops.median),
            format!("{:.2}", rate.ratio.median),
            format!("{:.1} %", rate.ratio.spread()),
        ];
        table.line(&format!("  {}, {} CPU, {}", rate.workload, rate.cpus, rate.backend), &cells);
        rows += 1;
    }
    if rows > 0 { table.0 } else { String::new() }
}

fn network(results: &Results) -> String {
    let mut out = String::new();
    if !results.speeds.is_empty() {
        let _ = writeln!(
            out,
            "{:62} {:>9} {:>6} {:>8}",
            "network (depends on the host's load)", "median", "ratio", "spread"
        );
    }
    for speed in &results.speeds {
        let title = format!("  {}, {}, {} CPU", speed.nic.title(), speed.traffic, speed.cpus);
        let (rate, unit) = (speed.rate.median, speed.traffic.unit());
        let (ratio, spread) = (speed.ratio.median, speed.ratio.spread());
        let _ = writeln!(out, "{title:62} {rate:>9.0} {ratio:>6.2} {spread:>6.1} %  {unit}");
    }
    for cost in &results.packets {
        let title = format!("  {}, {}", cost.nic.title(), cost.traffic);
        let (driver, kernel) = (cost.profile.driver(), cost.profile.kernel());
        let (writes, interrupts) = (cost.writes, cost.interrupts);
        let _ = writeln!(
            out,
            "{title:62} {driver:.0} instructions in the driver, {kernel:.0} in the kernel, {writes:.3} writes to the device, {interrupts:.3} interrupts"
        );
    }
    out
}

/// The dearest functions of each driver, for each load.
pub fn functions(results: &Results) -> String {
    let disks = results
        .instructions
        .iter()
        .map(|cost| (format!("{}, {}", cost.side.title(), title_of(cost)), &cost.profile));
    let interfaces =
        results.packets.iter().map(|cost| (format!("{}, {}", cost.nic.title(), cost.traffic), &cost.profile));
    let mut out = String::new();
    for (title, profile) in disks.chain(interfaces) {
        let _ = writeln!(out, "\n{title}");
        for share in profile.driver_shares().take(LISTED) {
            let layer = share.layer.title();
            let _ = writeln!(out, "{:9.1}  {:28} {}", share.instructions, layer, share.function);
        }
    }
    out
}

/// Instructions of two runs, for each load and driver that both have.
pub fn compare(old: &Results, new: &Results) -> String {
    let mut out = format!(
        "{:74} {:>9} {:>9} {:>7}\n",
        "driver and ring, instructions per operation", "old", "new", "change"
    );
    let both = new.instructions.iter().chain(&new.rings).filter_map(|cost| {
        let same = |other: &&Cost| {
            (other.side, other.workload, &other.device_options)
                == (cost.side, cost.workload, &cost.device_options)
        };
        Some((cost, old.instructions.iter().chain(&old.rings).find(same)?))
    });
    for (cost, before) in both {
        let (before, after) = (before.driver.median, cost.driver.median);
        let change = (after / before - 1.0) * 100.0;
        let title = format!("{}, {}", cost.side.title(), title_of(cost));
        let _ = writeln!(out, "{title:74} {before:9.1} {after:9.1} {change:+6.1}%");
    }
    out
}
