// SPDX-License-Identifier: GPL-2.0

//! Statistics.

use crate::bindings;
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
    /// What the device has counted.
    pub device: RxDeviceStats,
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
    /// What the device has counted.
    pub device: TxDeviceStats,
}

/// What a device has counted for a receive queue, as far as it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct RxDeviceStats {
    /// Frames that it has dropped.
    pub drops: Option<u64>,
    /// Those of them for which there was no buffer.
    pub drop_overruns: Option<u64>,
    /// Frames with checksums that it has checked.
    pub csum_unnecessary: Option<u64>,
    /// Frames without checksums, or with some that it cannot check.
    pub csum_none: Option<u64>,
    /// Frames with wrong checksums.
    pub csum_bad: Option<u64>,
    /// Frames that it has merged others into.
    pub gro_packets: Option<u64>,
    /// Bytes of these.
    pub gro_bytes: Option<u64>,
    /// Frames that were merged.
    pub gro_wire_packets: Option<u64>,
    /// Bytes of these.
    pub gro_wire_bytes: Option<u64>,
    /// Frames that were dropped as there were too many in a time.
    pub drop_ratelimits: Option<u64>,
}

impl RxDeviceStats {
    /// Calls `each` with where a number goes, and the number.
    pub(crate) fn each(
        self,
        to: &mut bindings::netdev_queue_stats_rx,
        each: impl Fn(&mut u64, u64),
    ) {
        for (to, from) in [
            (&mut to.hw_drops, self.drops),
            (&mut to.hw_drop_overruns, self.drop_overruns),
            (&mut to.csum_unnecessary, self.csum_unnecessary),
            (&mut to.csum_none, self.csum_none),
            (&mut to.csum_bad, self.csum_bad),
            (&mut to.hw_gro_packets, self.gro_packets),
            (&mut to.hw_gro_bytes, self.gro_bytes),
            (&mut to.hw_gro_wire_packets, self.gro_wire_packets),
            (&mut to.hw_gro_wire_bytes, self.gro_wire_bytes),
            (&mut to.hw_drop_ratelimits, self.drop_ratelimits),
        ] {
            if let Some(from) = from {
                each(to, from);
            }
        }
    }
}

/// What a device has counted for a transmit queue, as far as it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct TxDeviceStats {
    /// Frames that it has dropped.
    pub drops: Option<u64>,
    /// Those of them that were not as they should be.
    pub drop_errors: Option<u64>,
    /// Frames whose checksums it has left as they were.
    pub csum_none: Option<u64>,
    /// Frames whose checksums it has completed.
    pub needs_csum: Option<u64>,
    /// Frames that it has segmented.
    pub gso_packets: Option<u64>,
    /// Bytes of these.
    pub gso_bytes: Option<u64>,
    /// The segments.
    pub gso_wire_packets: Option<u64>,
    /// Bytes of these.
    pub gso_wire_bytes: Option<u64>,
    /// Frames that were dropped as there were too many in a time.
    pub drop_ratelimits: Option<u64>,
}

impl TxDeviceStats {
    /// Calls `each` with where a number goes, and the number.
    pub(crate) fn each(
        self,
        to: &mut bindings::netdev_queue_stats_tx,
        each: impl Fn(&mut u64, u64),
    ) {
        for (to, from) in [
            (&mut to.hw_drops, self.drops),
            (&mut to.hw_drop_errors, self.drop_errors),
            (&mut to.csum_none, self.csum_none),
            (&mut to.needs_csum, self.needs_csum),
            (&mut to.hw_gso_packets, self.gso_packets),
            (&mut to.hw_gso_bytes, self.gso_bytes),
            (&mut to.hw_gso_wire_packets, self.gso_wire_packets),
            (&mut to.hw_gso_wire_bytes, self.gso_wire_bytes),
            (&mut to.hw_drop_ratelimits, self.drop_ratelimits),
        ] {
            if let Some(from) = from {
                each(to, from);
            }
        }
    }
}
