// SPDX-License-Identifier: GPL-2.0

//! What is counted, as the stack wants it; and asking the device for what it counts.

use crate::{
    counters::Counters,
    data::{
        NetData,
        NetOps, //
    },
    desired::Desired,
    device_stats::{
        side_of,
        take,
        Counted,
        Known,
        Side, //
    },
    spec::{
        control::stats,
        queue, //
    }, //
};
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::prelude::*;
use netdev::{
    Pair,
    RxDeviceStats,
    RxQueueStats,
    TxDeviceStats,
    TxQueueStats, //
};

/// What precedes names of what the device counts.
const PREFIX: &str = "hw_";

/// What is known of a device that counts.
#[derive(Default)]
pub(crate) struct DeviceStats {
    known: Known,
    control: Counted,
    /// There was an odd reply, which is logged once.
    odd: AtomicBool,
}

/// Returns whether there is a counter of this name: all that are not of the device are.
pub(crate) fn has(device: &NetData<'_>, side: Side, name: &str) -> bool {
    name.strip_prefix(PREFIX)
        .is_none_or(|name| device.stats.known.has(side, name))
}

/// Returns the value of a counter of what is received.
pub(crate) fn rx_counter(counters: &Counters, name: &str) -> u64 {
    match name.strip_prefix(PREFIX) {
        Some(name) => counters.rx_device.get(Side::Rx, name),
        None => counters.rx.named(name),
    }
}

/// Returns the value of a counter of what is sent.
pub(crate) fn tx_counter(counters: &Counters, name: &str) -> u64 {
    match name.strip_prefix(PREFIX) {
        Some(name) => counters.tx_device.get(Side::Tx, name),
        None => counters.tx.named(name),
    }
}

/// Returns the value of a counter of commands.
pub(crate) fn control_counter(device: &NetData<'_>, name: &str) -> u64 {
    let name = name.strip_prefix(PREFIX).unwrap_or(name);
    device.stats.control.get(Side::Control, name)
}

/// Returns what was counted for a receive queue.
#[doc(alias = "virtnet_get_queue_stats_rx")]
pub(crate) fn rx(pair: &Pair<NetOps<'_>>) -> RxQueueStats {
    let (known, counted) = (&pair.device().stats.known, &pair.rx_device);
    let device = |name| {
        known
            .has(Side::Rx, name)
            .then(|| counted.get(Side::Rx, name))
    };
    RxQueueStats {
        packets: pair.rx.packets.get(),
        bytes: pair.rx.bytes.get(),
        alloc_fail: pair.rx.alloc_fail.get(),
        device: RxDeviceStats {
            drops: device("drops"),
            drop_overruns: device("drop_overruns"),
            csum_unnecessary: device("csum_valid"),
            csum_none: device("csum_none"),
            csum_bad: device("csum_bad"),
            gro_packets: device("gso_packets"),
            gro_bytes: device("gso_bytes"),
            gro_wire_packets: device("gso_packets_coalesced"),
            gro_wire_bytes: device("gso_bytes_coalesced"),
            drop_ratelimits: device("ratelimit_packets"),
        },
    }
}

/// Returns what was counted for a transmit queue.
#[doc(alias = "virtnet_get_queue_stats_tx")]
pub(crate) fn tx(pair: &Pair<NetOps<'_>>) -> TxQueueStats {
    let (known, counted) = (&pair.device().stats.known, &pair.tx_device);
    let device = |name| {
        known
            .has(Side::Tx, name)
            .then(|| counted.get(Side::Tx, name))
    };
    TxQueueStats {
        packets: pair.tx.packets.get(),
        bytes: pair.tx.bytes.get(),
        stop: pair.tx.stop.get(),
        wake: pair.tx.wake.get(),
        device: TxDeviceStats {
            drops: device("drops"),
            drop_errors: device("drop_malformed"),
            csum_none: device("csum_none"),
            needs_csum: device("needs_csum"),
            gso_packets: device("gso_packets"),
            gso_bytes: device("gso_bytes"),
            gso_wire_packets: device("gso_segments"),
            gso_wire_bytes: device("gso_segments_bytes"),
            drop_ratelimits: device("ratelimit_packets"),
        },
    }
}

impl DeviceStats {
    /// Asks a device that was reset what it counts. Without an answer that is nothing.
    #[doc(alias = "virtnet_probe")]
    pub(crate) fn query(&self, desired: &mut Desired<'_>) -> Result {
        let mut reply = [0; 8];
        let asked = desired.ask(stats::QUERY, &[], &mut reply);
        let whole = asked == Ok(Some(reply.len()));
        self.known.set(if whole { reply } else { [0; 8] });
        whole.then_some(()).ok_or(EIO)
    }
}

/// Asks the device for what it has counted for some of its pairs, and for commands.
#[doc(alias = "virtnet_get_hw_stats")]
pub(crate) fn refresh(device: &NetData<'_>, pairs: &[Pair<NetOps<'_>>], commands: bool) {
    let control = device.control_queue;
    let known = &device.stats.known;
    for pair in pairs {
        let index = pair.index();
        let mut request = [0; 32];
        let (rx, rx_reply) = known.request(Side::Rx, queue::receive(index), &mut request);
        let (_, rest) = request.split_at_mut(rx);
        let (tx, tx_reply) = known.request(Side::Tx, queue::transmit(index), rest);
        let find = |queue| match side_of(queue, control) {
            (Side::Rx, of) if of == index => Some((Side::Rx, &pair.rx_device)),
            (Side::Tx, of) if of == index => Some((Side::Tx, &pair.tx_device)),
            _ => None,
        };
        get(device, &request, rx + tx, rx_reply + tx_reply, find);
    }
    if commands {
        let mut request = [0; 16];
        let (len, reply) = known.request(Side::Control, control, &mut request);
        get(device, &request, len, reply, |queue| {
            (queue == control).then_some((Side::Control, &device.stats.control))
        });
    }
}

/// Sends a request of `len` bytes, whose reply is to have `reply` bytes.
fn get<'a>(
    device: &'a NetData<'_>,
    request: &[u8],
    len: usize,
    reply: usize,
    find: impl FnMut(u16) -> Option<(Side, &'a Counted)>,
) {
    let mut bytes = [0; 384];
    let (Some(request), Some(room)) = (request.get(..len), bytes.get_mut(..reply)) else {
        return;
    };
    if request.is_empty() {
        return;
    }
    let asked = device.desired().ask(stats::GET, request, room);
    let good = match asked {
        Ok(None) => true,
        Ok(Some(len)) => room
            .get(..len)
            .is_some_and(|reply| !reply.is_empty() && take(reply, find)),
        Err(_) => false,
    };
    if !good && !device.stats.odd.swap(true, Ordering::Relaxed) {
        dev_warn!(
            device.dev,
            "ignoring an odd reply to a request for statistics\n"
        );
    }
}
