// SPDX-License-Identifier: GPL-2.0

//! Plots for the report, as SVG.

use crate::{
    instructions::Cost,
    layer::{LAYERS, Layer},
    results::Results,
    side::Side,
    workload::Workload,
};
use anyhow::{Context as _, Result, anyhow};
use plotters::prelude::*;
use std::path::Path;

const SIZE: (u32, u32) = (900, 480);
/// Upper left corner of the legend.
const LEGEND: (i32, i32) = (690, 20);
const FONT: &str = "sans-serif";
/// Height of the names of loads, in pixels.
const NAMES: u32 = 125;

/// Writes `NAME.svg` files to `dir`; returns names and captions.
///
/// # Errors
///
/// When a file cannot be written.
pub fn write(results: &Results, dir: &Path) -> Result<Vec<(&'static str, &'static str)>> {
    std::fs::create_dir_all(dir).with_context(|| format!("{} cannot be made", dir.display()))?;
    let mut written = Vec::new();
    let mut plot = |name, caption, draw: &dyn Fn(&Path) -> Result<()>| -> Result<()> {
        let path = dir.join(format!("{name}.svg"));
        draw(&path)
            .and_then(|()| mark(&path))
            .with_context(|| format!("{} cannot be drawn", path.display()))?;
        written.push((name, caption));
        Ok(())
    };
    let costs: Vec<&Cost> = results.instructions.iter().collect();
    plot("driver", "Driver and ring: instructions per operation by layer", &|path| {
        stacks(path, &costs, &LAYERS[..5])
    })?;
    plot("kernel", "Whole kernel: instructions per operation by layer", &|path| {
        stacks(path, &costs, &LAYERS)
    })?;
    Ok(written)
}

/// Names the licence in a plot, as every file of the project does.
fn mark(path: &Path) -> Result<()> {
    let plot = std::fs::read_to_string(path)?;
    Ok(std::fs::write(path, format!("<!-- SPDX-License-Identifier: GPL-2.0 -->\n{plot}"))?)
}

/// plotters' errors borrow its backend.
fn drawn<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T> {
    result.map_err(|error| anyhow!("{error}"))
}

/// Two stacks for each load: C and rvirtio.
fn stacks(path: &Path, costs: &[&Cost], layers: &[Layer]) -> Result<()> {
    let mut loads: Vec<Workload> = Vec::new();
    for cost in costs {
        if !loads.contains(&cost.workload) {
            loads.push(cost.workload);
        }
    }
    let sum = |cost: &&&Cost| -> f64 {
        let by_layer = cost.profile.layers();
        layers.iter().filter_map(|layer| by_layer.get(layer)).map(|value| value.max(0.0)).sum()
    };
    let top = costs.iter().map(|cost| sum(&cost)).fold(1.0, f64::max) * 1.05;

    let area = SVGBackend::new(path, SIZE).into_drawing_area();
    drawn(area.fill(&WHITE))?;
    let mut chart = drawn(
        ChartBuilder::on(&area)
            .margin(10)
            .x_label_area_size(NAMES)
            .y_label_area_size(70)
            .margin_right(SIZE.0 - LEGEND.0 as u32 + 15)
            .build_cartesian_2d(0.0..loads.len() as f64, 0.0..top),
    )?;
    drawn(
        chart
            .configure_mesh()
            .disable_x_mesh()
            .x_labels(0)
            .y_desc("instructions per operation")
            .y_label_formatter(&|value| format!("{value:.0}"))
            .draw(),
    )?;
    for (index, layer) in layers.iter().enumerate() {
        let color = Palette99::pick(index).mix(0.8);
        let mut bars = Vec::new();
        for cost in costs {
            let Some(load) = loads.iter().position(|load| *load == cost.workload) else { continue };
            let by_layer = cost.profile.layers();
            let height = |layer: &Layer| by_layer.get(layer).copied().unwrap_or_default().max(0.0);
            let below: f64 = layers[..index].iter().map(height).sum();
            let left = load as f64 + if cost.side == Side::C { 0.1 } else { 0.52 };
            bars.push(Rectangle::new([(left, below), (left + 0.38, below + height(layer))], color.filled()));
        }
        drawn(chart.draw_series(bars))?;
        // The legend has the order of the stacks.
        let y = LEGEND.1 + 18 * (layers.len() - index) as i32;
        drawn(area.draw(&Rectangle::new([(LEGEND.0, y), (LEGEND.0 + 10, y + 10)], color.filled())))?;
        drawn(area.draw(&Text::new(layer.title(), (LEGEND.0 + 18, y), (FONT, 12))))?;
    }
    for (index, load) in loads.iter().enumerate() {
        let (x, _) = chart.backend_coord(&(index as f64 + 0.1, 0.0));
        let bottom = (SIZE.1 - NAMES - 5) as i32;
        let mut lines = vec!["C | rvirtio".to_owned()];
        lines.extend(lines_of(&load.to_string()));
        for (line, text) in lines.into_iter().enumerate() {
            drawn(area.draw(&Text::new(text, (x, bottom + 15 * line as i32), (FONT, 11))))?;
        }
    }
    drawn(area.present())
}

/// The name of a load in lines that are as narrow as its bars.
fn lines_of(name: &str) -> Vec<String> {
    let mut parts = name.split(", ");
    // `4 KiB random read` is the longest: a line for the size, one for each word.
    let words: Vec<&str> = parts.next().unwrap_or_default().split(' ').collect();
    let (size, pattern) = words.split_at(words.len().min(2));
    let first = [size.join(" ")].into_iter().chain(pattern.iter().map(|&word| word.to_owned()));
    first.chain(parts.map(str::to_owned)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_loads_are_narrow() {
        let name = "4 KiB random read, depth 32, libaio";
        assert_eq!(lines_of(name), ["4 KiB", "random", "read", "depth 32", "libaio"]);
    }
}
