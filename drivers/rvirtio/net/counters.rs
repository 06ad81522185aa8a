// SPDX-License-Identifier: GPL-2.0

//! What is counted.

use crate::{
    device_stats::Counted,
    watch::Watch, //
};
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use netdev::{
    Counter,
    LinkStats, //
};

/// What all can see of a pair of queues. The counters of either side have one writer at a time: who
/// polls the pair, and who holds the lock of the transmit queue.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) rx: RxCounters,
    pub(crate) tx: TxCounters,
    pub(crate) polling: Polling,
    pub(crate) watch: Watch,
    /// What the device has counted.
    pub(crate) rx_device: Counted,
    pub(crate) tx_device: Counted,
}

/// Whether the pair is polled, so that the transmit queue is looked at soon.
///
/// It is set at any time, and cleared with the lock of the transmit queue held, before the last look at
/// that. So whoever finds it set under the lock can leave the rest to that look.
#[derive(Default)]
pub(crate) struct Polling(AtomicBool);

impl Polling {
    #[inline]
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn clear(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counters of a receive queue.
#[derive(Default)]
pub(crate) struct RxCounters {
    pub(crate) packets: Counter,
    pub(crate) bytes: Counter,
    /// Frames that were dropped because of their length, or because parts of them were missing.
    pub(crate) length_errors: Counter,
    /// Frames that were dropped because of their header.
    pub(crate) frame_errors: Counter,
    /// Frames that were dropped for want of memory.
    pub(crate) dropped: Counter,
    /// Buffers that could not be allocated.
    pub(crate) alloc_fail: Counter,
    /// Notifications of the device.
    pub(crate) kicks: Counter,
    pub(crate) xdp: XdpCounters,
}

/// Counters of what a program has looked at.
#[derive(Default)]
pub(crate) struct XdpCounters {
    /// Frames that a program has looked at.
    pub(crate) packets: Counter,
    /// Frames that were to be sent where they came from.
    pub(crate) tx: Counter,
    /// Frames that others got.
    pub(crate) redirects: Counter,
    /// Frames that were dropped, or that the program could not look at.
    pub(crate) drops: Counter,
}

impl RxCounters {
    /// Returns the counter that `ethtool` shows by this name.
    pub(crate) fn named(&self, name: &str) -> u64 {
        match name {
            "drops" => self.drops(),
            "kicks" => self.kicks.get(),
            "length_errors" => self.length_errors.get(),
            "frame_errors" => self.frame_errors.get(),
            "alloc_fail" => self.alloc_fail.get(),
            "xdp_packets" => self.xdp.packets.get(),
            "xdp_tx" => self.xdp.tx.get(),
            "xdp_redirects" => self.xdp.redirects.get(),
            "xdp_drops" => self.xdp.drops.get(),
            _ => 0,
        }
    }

    /// Frames that were received and dropped, for whatever reason.
    fn drops(&self) -> u64 {
        let counters = [
            &self.length_errors,
            &self.frame_errors,
            &self.dropped,
            &self.xdp.drops,
        ];
        counters
            .into_iter()
            .map(Counter::get)
            .fold(0, u64::wrapping_add)
    }
}

/// Counters of a transmit queue.
#[derive(Default)]
pub(crate) struct TxCounters {
    pub(crate) packets: Counter,
    pub(crate) bytes: Counter,
    pub(crate) dropped: Counter,
    pub(crate) stop: Counter,
    pub(crate) wake: Counter,
    /// Notifications of the device.
    pub(crate) kicks: Counter,
    /// How often the stack has not been able to send for long. The stack's watchdog counts.
    pub(crate) timeouts: Counter,
    /// Frames that programs want to have sent, and those of them that were not.
    pub(crate) xdp: Counter,
    pub(crate) xdp_drops: Counter,
}

impl TxCounters {
    /// Returns the counter that `ethtool` shows by this name.
    pub(crate) fn named(&self, name: &str) -> u64 {
        match name {
            "kicks" => self.kicks.get(),
            "tx_timeouts" => self.timeouts.get(),
            "drops" => self.dropped.get(),
            "xdp_tx" => self.xdp.get(),
            "xdp_tx_drops" => self.xdp_drops.get(),
            _ => 0,
        }
    }
}

impl Counters {
    /// Adds the counters to those of a device.
    pub(crate) fn add_to(&self, stats: &mut LinkStats) {
        let add = |to: &mut u64, counter: &Counter| *to = to.wrapping_add(counter.get());
        add(&mut stats.rx_packets, &self.rx.packets);
        add(&mut stats.rx_bytes, &self.rx.bytes);
        add(&mut stats.rx_length_errors, &self.rx.length_errors);
        add(&mut stats.rx_frame_errors, &self.rx.frame_errors);
        add(&mut stats.rx_dropped, &self.rx.dropped);
        add(&mut stats.rx_dropped, &self.rx.xdp.drops);
        add(&mut stats.tx_packets, &self.tx.packets);
        add(&mut stats.tx_bytes, &self.tx.bytes);
        add(&mut stats.tx_dropped, &self.tx.dropped);
    }
}
