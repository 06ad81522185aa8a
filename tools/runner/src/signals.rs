// SPDX-License-Identifier: GPL-2.0

//! Signals as events.

use crate::vm::Event;
use anyhow::{Context as _, Result};
use nix::sys::signal::{SigSet, Signal};
use std::{sync::mpsc::Sender, thread};

/// From now on SIGINT, SIGTERM, SIGHUP and SIGWINCH have no effect but an event.
///
/// Threads started later inherit that, programs do not.
pub fn watch(events: Sender<Event>) -> Result<()> {
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGWINCH] {
        signals.add(signal);
    }
    signals.thread_block().context("signals can not be blocked")?;
    thread::spawn(move || {
        while let Ok(signal) = signals.wait() {
            let event = match signal {
                Signal::SIGWINCH => Event::Resized,
                signal => Event::Signal(signal as i32),
            };
            if events.send(event).is_err() {
                return;
            }
        }
    });
    Ok(())
}
