// SPDX-License-Identifier: GPL-2.0

//! Steps on standard error: spinners on a terminal, plain lines elsewhere.

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::{
    io::IsTerminal,
    time::{Duration, Instant},
};

/// Longest text after a spinner, in characters: command output must not wrap.
const MESSAGE_LEN: usize = 60;

/// Reports steps on standard error.
pub struct Progress {
    bars: MultiProgress,
    terminal: bool,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Spinners when standard error is a terminal, plain lines otherwise.
    pub fn new() -> Self {
        let terminal = std::io::stderr().is_terminal();
        Self { bars: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()), terminal }
    }

    /// Starts a step, for example `build root`.
    pub fn step(&self, name: &str) -> Step {
        let bar = if self.terminal {
            let bar = self.bars.add(ProgressBar::new_spinner());
            // The template is constant and valid.
            if let Ok(style) = ProgressStyle::with_template("{spinner} {prefix} {elapsed} {msg:.dim}") {
                bar.set_style(style);
            }
            bar.set_prefix(name.to_owned());
            bar.enable_steady_tick(Duration::from_millis(120));
            Some(bar)
        } else {
            eprintln!("{name} ...");
            None
        };
        Step { name: name.to_owned(), started: Instant::now(), bars: self.bars.clone(), bar, finished: false }
    }

    /// Prints a line above the spinners.
    pub fn note(&self, text: &str) {
        match self.terminal {
            // Standard error that cannot be written to leaves nobody to tell.
            true => drop(self.bars.println(text)),
            false => eprintln!("{text}"),
        }
    }
}

/// A step that runs. [`Step::done`] reports its time; dropped before, it is reported as failed.
pub struct Step {
    name: String,
    started: Instant,
    bars: MultiProgress,
    bar: Option<ProgressBar>,
    finished: bool,
}

impl Step {
    /// Shows what the step does now, beside its spinner; nothing without a terminal.
    pub fn message(&self, text: &str) {
        if let Some(bar) = &self.bar {
            bar.set_message(text.chars().filter(|c| !c.is_control()).take(MESSAGE_LEN).collect::<String>());
        }
    }

    /// Ends the step: `build root ... 92 s`.
    pub fn done(mut self) {
        self.finished = true;
        self.finish("");
    }

    fn finish(&mut self, how: &str) {
        let line = format!("{} ... {how}{}", self.name, seconds(self.started.elapsed()));
        match self.bar.take() {
            Some(bar) => {
                bar.finish_and_clear();
                let _ = self.bars.println(line);
            }
            None => eprintln!("{line}"),
        }
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.finished {
            self.finish("failed after ");
        }
    }
}

/// `0.4 s` below ten seconds, `92 s` above.
fn seconds(time: Duration) -> String {
    if time < Duration::from_secs(10) {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} s", time.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_times_have_a_fraction() {
        assert_eq!(seconds(Duration::from_millis(420)), "0.4 s");
        assert_eq!(seconds(Duration::from_millis(92_700)), "92 s");
    }
}
