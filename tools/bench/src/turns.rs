// SPDX-License-Identifier: GPL-2.0

//! Loads are measured in turns: what disturbs one side disturbs the others as well.

use crate::{stats::Summary, workload::Length};

/// One run of a load by a side.
#[derive(Debug, Clone, Copy)]
pub struct Turn<L, S> {
    /// The load.
    pub load: L,
    /// Who is measured.
    pub side: S,
    /// How long.
    pub length: Length,
}

/// Each of `loads` in so many rounds, in which each side has it in all lengths.
pub fn turns<L: Copy, S: Copy>(
    loads: &[L],
    sides: &[S],
    rounds: usize,
    lengths: impl Fn(L) -> Vec<Length>,
) -> Vec<Turn<L, S>> {
    let mut turns = Vec::new();
    for &load in loads {
        for &side in (0..rounds).flat_map(|_| sides) {
            turns.extend(lengths(load).into_iter().map(|length| Turn { load, side, length }));
        }
    }
    turns
}

/// For each load and side the numbers of its turns, in the order of the first ones.
pub fn cells<L: Copy + PartialEq, S: Copy + PartialEq>(turns: &[Turn<L, S>]) -> Vec<(L, S, Vec<usize>)> {
    let mut cells: Vec<(L, S, Vec<usize>)> = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        match cells.iter_mut().find(|(load, side, _)| (*load, *side) == (turn.load, turn.side)) {
            Some((.., numbers)) => numbers.push(number),
            None => cells.push((turn.load, turn.side, vec![number])),
        }
    }
    cells
}

/// For each load and side what `values` has for its turns, and that against the first side, round by round.
pub fn against_first<L: Copy + PartialEq, S: Copy + PartialEq>(
    turns: &[Turn<L, S>],
    values: &[f64],
) -> Vec<(L, S, Summary, Summary)> {
    let cells = cells(turns);
    let summaries = |(load, side, numbers): &(L, S, Vec<usize>)| {
        let (.., first) = cells.iter().find(|(other, ..)| other == load)?;
        let ratios = numbers.iter().zip(first).map(|(&number, &first)| values[number] / values[first]);
        Some((*load, *side, Summary::of(numbers.iter().map(|&number| values[number]))?, Summary::of(ratios)?))
    };
    cells.iter().filter_map(summaries).collect()
}

/// Commands for a guest: what gets its devices ready, then `warm_up` once for each load and side, then all turns.
pub fn plan<L: Copy + PartialEq, S: Copy + PartialEq>(
    set_up: impl Iterator<Item = String>,
    turns: &[Turn<L, S>],
    warm_up: impl Fn(&Turn<L, S>) -> String,
    run: impl Fn(&Turn<L, S>) -> String,
) -> String {
    let first = cells(turns).into_iter().map(|(.., numbers)| warm_up(&turns[numbers[0]]));
    set_up.chain(first).chain(["marker\n".to_owned()]).chain(turns.iter().map(run)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sides_alternate_and_are_compared_by_round() {
        let all = turns(&["load", "other"], &[1, 2], 2, |_| vec![Length::Seconds(1)]);
        let order: Vec<_> = all.iter().map(|turn| (turn.load, turn.side)).collect();
        assert_eq!(order[..4], [("load", 1), ("load", 2), ("load", 1), ("load", 2)]);
        assert_eq!(cells(&all)[3], ("other", 2, vec![5, 7]));
        let compared = against_first(&all, &[1.0, 2.0, 10.0, 40.0, 1.0, 1.0, 1.0, 1.0]);
        let (load, side, values, ratios) = compared[1];
        assert_eq!((load, side), ("load", 2));
        assert_eq!((values.low, values.high, ratios.low, ratios.high), (2.0, 40.0, 2.0, 4.0));
        let plan = plan(
            ["set up\n".to_owned()].into_iter(),
            &all[..3],
            |turn| format!("warm {}\n", turn.side),
            |turn| format!("run {}\n", turn.side),
        );
        assert_eq!(plan, "set up\nwarm 1\nwarm 2\nmarker\nrun 1\nrun 2\nrun 1\n");
    }
}
