// SPDX-License-Identifier: GPL-2.0

//! Statistics.

use core::sync::atomic::{
    AtomicU64,
    Ordering, //
};

/// A counter with one writer at a time, and any number of readers.
#[doc(alias = "u64_stats_t")]
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Returns a counter at 0.
    pub const fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Adds `value`. An addition by another writer at the same time may be lost.
    #[doc(alias = "u64_stats_add")]
    #[inline]
    pub fn add(&self, value: u64) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(value);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// Returns the sum.
    #[doc(alias = "u64_stats_read")]
    #[inline]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Statistics of a device; what a driver does not count stays 0.
#[doc(alias = "rtnl_link_stats64")]
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkStats {
    /// Frames received.
    pub rx_packets: u64,
    /// Bytes of these.
    pub rx_bytes: u64,
    /// Frames that were received and dropped because of their length.
    pub rx_length_errors: u64,
    /// Frames that were received and dropped because of what was said about them.
    pub rx_frame_errors: u64,
    /// Frames that were received and dropped for want of memory.
    pub rx_dropped: u64,
    /// Frames sent.
    pub tx_packets: u64,
    /// Bytes of these.
    pub tx_bytes: u64,
    /// Frames that were not sent.
    pub tx_dropped: u64,
}

/// Statistics of a receive queue.
#[doc(alias = "netdev_queue_stats_rx")]
#[derive(Clone, Copy, Debug, Default)]
pub struct RxQueueStats {
    /// Frames received.
    pub packets: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Failed allocations of memory.
    pub alloc_fail: u64,
}

/// Statistics of a transmit queue.
#[doc(alias = "netdev_queue_stats_tx")]
#[derive(Clone, Copy, Debug, Default)]
pub struct TxQueueStats {
    /// Frames sent.
    pub packets: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// How often the stack was stopped, as the queue was full.
    pub stop: u64,
    /// How often it was woken again.
    pub wake: u64,
}
