// SPDX-License-Identifier: GPL-2.0

//! What core has called, and what the front end is to do.

use core::sync::atomic::{
    AtomicBool,
    AtomicU32,
    AtomicUsize,
    Ordering::Relaxed, //
};
use kernel::prelude::*;

/// Where the front end can fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(crate) enum Point {
    Nowhere,
    Probe,
    Connect,
    Start,
    /// In `connect`, when the device runs.
    Ready,
}

/// What core has called, and what the front end is to do. Tests run one after another.
pub(crate) struct Record {
    pub(crate) started: AtomicUsize,
    pub(crate) reclaimed: AtomicUsize,
    /// Buffers that came back unused.
    pub(crate) detached: AtomicUsize,
    pub(crate) changed: AtomicUsize,
    /// Those that came before `connect` had returned.
    pub(crate) changed_early: AtomicUsize,
    pub(crate) quiesced: AtomicUsize,
    pub(crate) resumed: AtomicUsize,
    /// How many of these were with a device that is dead.
    pub(crate) dead: AtomicUsize,
    /// Why buffers were taken back the last time, as a number.
    pub(crate) why: AtomicUsize,
    pub(crate) unbound: AtomicUsize,
    /// Guards that were dropped.
    pub(crate) ended: AtomicUsize,
    /// Data that was dropped.
    pub(crate) dropped: AtomicUsize,
    /// The decimal digits are the last calls in their order: 1 start, 2 unbind, 3 reclaim, 4 drop,
    /// 5 the end of what was registered in `connect`, 6 quiesce, 7 resume.
    pub(crate) order: AtomicUsize,
    /// Buffers that queues took before they were enabled.
    pub(crate) early_adds: AtomicUsize,
    /// Notifications that were due in `start`.
    pub(crate) early_kicks: AtomicUsize,
    /// What resetting a queue out of `config_changed` returned, negated.
    pub(crate) beside: AtomicUsize,
    fails: AtomicU32,
    pub(crate) connected: AtomicBool,
    /// `start` adds buffers.
    pub(crate) fills: AtomicBool,
    /// `reclaim` takes nothing back.
    pub(crate) keeps: AtomicBool,
    /// `probe` reads the configuration.
    pub(crate) reads: AtomicBool,
    /// The device can be restarted.
    pub(crate) restarts: AtomicBool,
    /// `connect` waits for the device to be reset.
    pub(crate) waits: AtomicBool,
    /// `config_changed` resets queue 0.
    pub(crate) resets: AtomicBool,
    /// Buffers that the device uses while the handler is at work.
    pub(crate) meanwhile: AtomicUsize,
    /// How often the handler looks at the queue before.
    pub(crate) delay: AtomicUsize,
}

pub(crate) static FRONT: Record = Record {
    started: AtomicUsize::new(0),
    reclaimed: AtomicUsize::new(0),
    detached: AtomicUsize::new(0),
    changed: AtomicUsize::new(0),
    changed_early: AtomicUsize::new(0),
    quiesced: AtomicUsize::new(0),
    resumed: AtomicUsize::new(0),
    dead: AtomicUsize::new(0),
    why: AtomicUsize::new(0),
    unbound: AtomicUsize::new(0),
    ended: AtomicUsize::new(0),
    dropped: AtomicUsize::new(0),
    order: AtomicUsize::new(0),
    early_adds: AtomicUsize::new(0),
    early_kicks: AtomicUsize::new(0),
    beside: AtomicUsize::new(0),
    fails: AtomicU32::new(Point::Nowhere as u32),
    connected: AtomicBool::new(false),
    fills: AtomicBool::new(false),
    keeps: AtomicBool::new(false),
    reads: AtomicBool::new(false),
    restarts: AtomicBool::new(false),
    waits: AtomicBool::new(false),
    resets: AtomicBool::new(false),
    meanwhile: AtomicUsize::new(0),
    delay: AtomicUsize::new(0),
};

impl Record {
    /// Begins a test.
    pub(crate) fn begin(&self) {
        self.forget();
        for flag in [
            &self.fills,
            &self.keeps,
            &self.reads,
            &self.restarts,
            &self.waits,
            &self.resets,
        ] {
            flag.store(false, Relaxed);
        }
        self.fail_at(Point::Nowhere);
    }

    /// Counts from 0 again.
    pub(crate) fn forget(&self) {
        for count in [
            &self.started,
            &self.reclaimed,
            &self.detached,
            &self.changed,
            &self.changed_early,
            &self.quiesced,
            &self.resumed,
            &self.dead,
            &self.why,
            &self.unbound,
            &self.ended,
            &self.dropped,
            &self.order,
            &self.early_adds,
            &self.early_kicks,
            &self.beside,
            &self.meanwhile,
            &self.delay,
        ] {
            count.store(0, Relaxed);
        }
        self.connected.store(false, Relaxed);
    }

    pub(crate) fn fail_at(&self, point: Point) {
        self.fails.store(point as u32, Relaxed);
    }

    pub(crate) fn check(&self, point: Point) -> Result {
        if self.fails.load(Relaxed) == point as u32 {
            return Err(ENXIO);
        }
        Ok(())
    }

    pub(crate) fn called(&self, count: &AtomicUsize, digit: usize) {
        count.fetch_add(1, Relaxed);
        let before = self.order.load(Relaxed) % 1_000_000;
        self.order.store(before * 10 + digit, Relaxed);
    }
}
