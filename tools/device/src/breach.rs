// SPDX-License-Identifier: GPL-2.0

//! What the driver did wrong.

use std::collections::BTreeMap;

/// A requirement that the driver did not meet: its id, and what happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    pub id: &'static str,
    pub what: String,
}

/// Returns a [`Breach`] of requirement `id` unless `met`.
pub fn require(met: bool, id: &'static str, what: impl FnOnce() -> String) -> Result<(), Breach> {
    if met { Ok(()) } else { Err(Breach { id, what: what() }) }
}

/// How many breaches of a requirement are told.
const TOLD: usize = 4;

/// All breaches so far.
#[derive(Debug, Default)]
pub struct Findings(BTreeMap<&'static str, Vec<String>>);

impl Findings {
    pub fn add(&mut self, breach: Breach) {
        self.0.entry(breach.id).or_default().push(breach.what);
    }

    /// Adds that of `result`, if there is one. Returns whether there was none.
    pub fn check(&mut self, result: Result<(), Breach>) -> bool {
        result.map_err(|breach| self.add(breach)).is_ok()
    }

    /// One line for each that is told.
    pub fn lines(&self) -> Vec<String> {
        let told = self.0.iter().flat_map(|(id, all)| all.iter().take(TOLD).map(move |what| (id, what)));
        told.map(|(id, what)| format!("{id}: {what}")).collect()
    }
}
