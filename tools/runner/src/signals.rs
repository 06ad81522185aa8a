// SPDX-License-Identifier: GPL-2.0

//! Signals as events.

use crate::vm::Event;
use anyhow::{Context as _, Result};
use nix::sys::signal::{SigSet, Signal};
use std::{
    sync::{Mutex, MutexGuard, PoisonError, mpsc::Sender},
    thread,
};

/// Who gets them now: the last guest that was started. A trial boot comes before the real one.
static RECEIVER: Mutex<Option<Sender<Event>>> = Mutex::new(None);

/// From now on SIGINT, SIGTERM, SIGHUP and SIGWINCH have no effect but an event.
///
/// Threads started later inherit that, programs do not.
pub fn watch(events: Sender<Event>) -> Result<()> {
    if receiver().replace(events).is_some() {
        return Ok(());
    }
    let mut signals = SigSet::empty();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGWINCH] {
        signals.add(signal);
    }
    signals.thread_block().context("signals cannot be blocked")?;
    thread::spawn(move || {
        while let Ok(signal) = signals.wait() {
            let event = match signal {
                Signal::SIGWINCH => Event::Resized,
                signal => Event::Signal(signal as i32),
            };
            if let Some(events) = &*receiver() {
                // Between two guests nobody listens; the next one is then not stopped.
                let _ = events.send(event);
            }
        }
    });
    Ok(())
}

fn receiver() -> MutexGuard<'static, Option<Sender<Event>>> {
    // A sender is as good after a panic elsewhere as before.
    RECEIVER.lock().unwrap_or_else(PoisonError::into_inner)
}
