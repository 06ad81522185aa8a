// SPDX-License-Identifier: GPL-2.0

//! A line for each comparison: where rvirtio is when C is 1.

use super::{FONT, drawn};
use crate::stats::Summary;
use anyhow::Result;
use plotters::prelude::*;
use std::path::Path;

const WIDTH: u32 = 900;
/// Of the names on the left, in pixels.
const NAMES: u32 = 400;
/// Of a line, in pixels.
const LINE: u32 = 20;
const AXIS: u32 = 45;

/// Draws median and range of each ratio; `what` is the name of the axis.
///
/// # Errors
///
/// When the file cannot be written.
pub fn draw(path: &Path, what: &str, rows: &[(String, Summary)]) -> Result<()> {
    let height = rows.len() as u32 * LINE + AXIS + 20;
    let top = rows.iter().map(|(_, ratio)| ratio.high).fold(1.0, f64::max) * 1.05;
    let area = SVGBackend::new(path, (WIDTH, height)).into_drawing_area();
    drawn(area.fill(&WHITE))?;
    let mut chart = drawn(
        ChartBuilder::on(&area)
            .margin(10)
            .margin_left(NAMES)
            .x_label_area_size(AXIS)
            .build_cartesian_2d(0.0..top, 0.0..rows.len() as f64),
    )?;
    drawn(
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .x_desc(what)
            .x_label_formatter(&|value| format!("{value:.1}"))
            .draw(),
    )?;
    let color = Palette99::pick(1).mix(1.0);
    let even = PathElement::new([(1.0, 0.0), (1.0, rows.len() as f64)], BLACK.mix(0.6).stroke_width(1));
    drawn(chart.draw_series([even]))?;
    for (index, (name, ratio)) in rows.iter().enumerate() {
        // From the top down.
        let y = rows.len() as f64 - index as f64 - 0.5;
        let range = PathElement::new([(ratio.low, y), (ratio.high, y)], color.stroke_width(2));
        drawn(chart.draw_series([range]))?;
        drawn(chart.draw_series([Circle::new((ratio.median, y), 4, color.filled())]))?;
        let (_, line) = chart.backend_coord(&(0.0, y));
        drawn(area.draw(&Text::new(name.clone(), (10, line - 6), (FONT, 12))))?;
    }
    drawn(area.present())
}
