// SPDX-License-Identifier: GPL-2.0

//! Sending what programs want to have sent, by the queues that the stack sends by, under their locks.

use crate::{
    data::NetOps,
    tx::{
        self,
        Guard, //
    }, //
};
use netdev::{
    Free,
    Pair,
    TxSkb,
    XdpFrames, //
};

/// Sends as many of `frames` as there is room for, by the queue of this processor. The device is notified
/// with `flush`.
#[doc(alias = "virtnet_xdp_xmit")]
pub(crate) fn send(pairs: &[Pair<NetOps<'_>>], frames: &mut XdpFrames<'_>, flush: bool) {
    let Some(first) = pairs.first() else {
        return;
    };
    let used = first.device().used_pairs().max(1);
    let Some(pair) = pairs.get((frames.cpu() % u32::from(used)) as usize) else {
        return;
    };
    let mut tx = frames.lock(pair);
    while has_room(&mut tx) {
        let Some(skb) = frames.next() else {
            break;
        };
        add(&mut tx, skb);
    }
    if flush && frames.taken() != 0 {
        self::flush(&mut tx);
    }
}

/// Adds a frame to a queue, of which [`flush`] notifies the device later, or drops it. Returns whether it is
/// to be sent.
#[doc(alias = "__virtnet_xdp_xmit_one")]
pub(crate) fn add(tx: &mut Guard<'_, '_>, skb: TxSkb) -> bool {
    let len = skb.len();
    let is_added = has_room(tx) && tx::add(tx, skb).is_some();
    let counters = &tx.pair().tx;
    if !is_added {
        counters.xdp_drops.add(1);
        return false;
    }
    counters.packets.add(1);
    counters.bytes.add(len.into());
    counters.xdp.add(1);
    if !tx.has_room() {
        tx::full(tx);
    }
    // Who sends for the stack is told by this that others do as well.
    let _ = tx.sent(len);
    true
}

/// Returns whether there is room for a frame, of a device that runs.
fn has_room(tx: &mut Guard<'_, '_>) -> bool {
    if tx.is_stopped() && tx.pair().device().is_paused() {
        return false;
    }
    if !tx.has_room() {
        tx::reap(tx, Free::Anywhere);
    }
    // It is also stopped while the interface is down.
    !tx.is_stopped() && tx.has_room()
}

/// Notifies the device of frames that were added, and asks for an interrupt if nobody else looks.
pub(crate) fn flush(tx: &mut Guard<'_, '_>) {
    tx.touch();
    let arms = !tx.pair().polling.is_set();
    tx::kick(tx, arms);
}
