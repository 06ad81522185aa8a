// SPDX-License-Identifier: GPL-2.0

//! Steps on the terminal.

/// Reports steps on standard error.
pub struct Progress {}

/// A step that runs; reports its time when finished.
pub struct Step {}

impl Progress {
    #[allow(clippy::new_without_default)]
    /// Spinners on a terminal, plain lines elsewhere.
    pub fn new() -> Self {
        todo!()
    }

    /// Starts a step, for example `build root`.
    pub fn step(&self, _name: &str) -> Step {
        todo!()
    }
}

impl Step {
    /// Says what the step does now.
    pub fn message(&self, _text: &str) {
        todo!()
    }

    /// Ends the step: `build root ... 92 s`.
    pub fn done(self) {
        todo!()
    }
}
