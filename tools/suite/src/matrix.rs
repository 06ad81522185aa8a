// SPDX-License-Identifier: GPL-2.0

//! The combinations of features, queues, interrupts and addresses in which QEMU can offer a disk.
//!
//! All of them take hours. Most mistakes show with two properties together, so that usually only as
//! many are run as it takes to have each pair of values of any two properties in one of them.

/// A property and its values: a short name, and options of the device.
type Factor = &'static [(&'static str, &'static str)];

/// The name of a combination is that of its values, one after the other: `sidfv2yq64m`.
const FACTORS: [Factor; 8] = [
    // Split or packed ring.
    &[("s", ""), ("p", ",packed=on")],
    // Any order of use, or in order.
    &[("a", ""), ("i", ",in_order=on")],
    // Tables of descriptors, or direct descriptors only.
    &[("t", ""), ("d", ",indirect_desc=off")],
    // Event index, or flags.
    &[("e", ""), ("f", ",event_idx=off")],
    // Vectors: none, too few, one for all queues, one for each.
    &[("v0", ",vectors=0"), ("v1", ",vectors=1"), ("v2", ",vectors=2"), ("vn", "")],
    // Physical addresses, or those of an IOMMU.
    &[("x", ""), (TRANSLATED, ",iommu_platform=on")],
    // Queue size. QEMU's smallest is 4: it refuses 2.
    &[
        ("q4", ",queue-size=4"),
        ("q64", ",queue-size=64"),
        ("q256", ",queue-size=256"),
        ("q1024", ",queue-size=1024"),
    ],
    // Modern or transitional device.
    &[("m", ",disable-legacy=on"), (TRANSITIONAL, ",disable-legacy=off")],
];

const TRANSLATED: &str = "y";
const TRANSITIONAL: &str = "l";

/// One value of each factor.
pub type Combination = [usize; FACTORS.len()];

/// What the combinations are made of.
trait Values {
    fn values(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)>;
}

impl Values for Combination {
    fn values(&self) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        FACTORS.iter().zip(self).filter_map(|(factor, index)| factor.get(*index))
    }
}

/// The name of a combination, which is also the serial number of its disk.
pub fn name(combination: &Combination) -> String {
    combination.values().map(|(name, _)| *name).collect()
}

/// Options of its device.
pub fn options(combination: &Combination) -> String {
    combination.values().map(|(_, options)| *options).collect::<String>() + ",num-queues=2"
}

/// All combinations that QEMU can do.
pub fn all() -> Vec<Combination> {
    let mut combinations = vec![[0; FACTORS.len()]];
    for (at, factor) in FACTORS.iter().enumerate() {
        combinations = combinations
            .iter()
            .flat_map(|combination| {
                (0..factor.len()).map(move |value| {
                    let mut combination = *combination;
                    combination[at] = value;
                    combination
                })
            })
            .collect();
    }
    combinations.retain(possible);
    combinations
}

/// A transitional device cannot be behind an IOMMU.
fn possible(combination: &Combination) -> bool {
    let has = |wanted| combination.values().any(|(name, _)| *name == wanted);
    !(has(TRANSLATED) && has(TRANSITIONAL))
}

/// Two factors, and a value of each.
type Pair = (usize, usize, usize, usize);

fn pairs(combination: &Combination) -> impl Iterator<Item = Pair> + '_ {
    let indices = 0..combination.len();
    indices.flat_map(move |b| (0..b).map(move |a| (a, combination[a], b, combination[b])))
}

/// So many combinations that each possible pair of values is in one of them.
pub fn pairwise() -> Vec<Combination> {
    let all = all();
    let mut missing: std::collections::BTreeSet<Pair> = all.iter().flat_map(pairs).collect();
    let mut chosen = Vec::new();
    while !missing.is_empty() {
        let gain =
            |combination: &Combination| pairs(combination).filter(|pair| missing.contains(pair)).count();
        // Of several that are equally good the last: which one does not matter, if it is always the same.
        let Some(best) = all.iter().max_by_key(|combination| gain(combination)).copied() else { break };
        for pair in pairs(&best) {
            missing.remove(&pair);
        }
        chosen.push(best);
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_are_different_and_possible() {
        let names: BTreeSet<String> = all().iter().map(name).collect();
        // Without those that are both translated and transitional.
        assert_eq!(names.len(), 1024 - 256);
        assert!(names.iter().all(|name| name.len() <= 20), "a serial number has 20 bytes");
    }

    #[test]
    fn every_pair_is_in_the_selection() {
        let selection = pairwise();
        assert!(selection.len() <= 24, "{} combinations", selection.len());
        let covered: BTreeSet<Pair> = selection.iter().flat_map(pairs).collect();
        assert!(all().iter().flat_map(pairs).all(|pair| covered.contains(&pair)));
    }

    #[test]
    fn options_follow_the_name() {
        let combination = [1, 0, 1, 0, 2, 1, 1, 0];
        assert_eq!(name(&combination), "padev2yq64m");
        assert_eq!(
            options(&combination),
            ",packed=on,indirect_desc=off,vectors=2,iommu_platform=on,queue-size=64,disable-legacy=on,num-queues=2"
        );
    }
}
