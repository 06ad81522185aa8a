// SPDX-License-Identifier: GPL-2.0

//! Tables in Markdown that can be read as they are.

use std::fmt;

/// Lines of cells below titles.
pub struct Table {
    titles: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty one; `titles` are between `|`, as all cells are.
    pub fn new(titles: &str) -> Self {
        Self { titles: split(titles), rows: Vec::new() }
    }

    /// Adds a line.
    pub fn row(&mut self, cells: &str) {
        self.rows.push(split(cells));
    }

    /// With a text before it; nothing when there are no lines.
    pub fn after(&self, text: &str) -> String {
        if self.rows.is_empty() { String::new() } else { format!("{text}\n\n{self}\n") }
    }
}

fn split(cells: &str) -> Vec<String> {
    cells.split('|').map(str::to_owned).collect()
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = || [&self.titles].into_iter().chain(&self.rows);
        let widths: Vec<usize> = (0..self.titles.len())
            .map(|column| lines().map(|cells| cells[column].chars().count()).max().unwrap_or(0).max(3))
            .collect();
        let is_number = |cell: &String| cell.trim_end_matches(" %").parse::<f64>().is_ok();
        let right: Vec<bool> = (0..self.titles.len())
            .map(|column| self.rows.iter().all(|cells| is_number(&cells[column])))
            .collect();
        for (number, cells) in lines().enumerate() {
            for ((cell, &width), right) in cells.iter().zip(&widths).zip(&right) {
                if *right { write!(f, "| {cell:>width$} ")? } else { write!(f, "| {cell:width$} ")? }
            }
            writeln!(f, "|")?;
            if number == 0 {
                for (width, right) in widths.iter().zip(&right) {
                    write!(f, "|{}{}", "-".repeat(width + 1), if *right { ':' } else { '-' })?;
                }
                writeln!(f, "|")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_on_the_right() {
        let mut table = Table::new("load|n|spread");
        assert_eq!(table.after("x"), "");
        table.row("a|1500|0.5 %");
        let expected =
            "x\n\n| load |    n | spread |\n|------|-----:|-------:|\n| a    | 1500 |  0.5 % |\n\n";
        assert_eq!(table.after("x"), expected);
    }
}
