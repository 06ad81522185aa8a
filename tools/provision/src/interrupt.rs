// SPDX-License-Identifier: GPL-2.0

//! ^C while something is being made: the makers stop, clean up, and end in an ordinary error.
//!
//! Outside a [`Guard`] the signals keep their usual effect.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

struct Flags {
    /// True while nobody would clean up: the signal then ends the process as usual.
    idle: Arc<AtomicBool>,
    /// Set by a signal while a guard is held.
    stopped: Arc<AtomicBool>,
}

fn flags() -> &'static Flags {
    static FLAGS: OnceLock<Flags> = OnceLock::new();
    FLAGS.get_or_init(|| {
        let flags = Flags { idle: Arc::new(AtomicBool::new(true)), stopped: Arc::default() };
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            // These fail for signals that cannot be handled only, and these two can.
            let _ = signal_hook::flag::register_conditional_default(signal, flags.idle.clone());
            let _ = signal_hook::flag::register(signal, flags.stopped.clone());
        }
        flags
    })
}

/// While it lives, SIGINT and SIGTERM only set [`stopped`].
pub(crate) struct Guard {
    outermost: bool,
}

impl Guard {
    pub(crate) fn new() -> Self {
        let outermost = flags().idle.swap(false, Ordering::SeqCst);
        Self { outermost }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.outermost {
            flags().idle.store(true, Ordering::SeqCst);
        }
    }
}

/// Whether a signal asked to stop while a [`Guard`] was held.
pub(crate) fn stopped() -> bool {
    flags().stopped.load(Ordering::SeqCst)
}
