// SPDX-License-Identifier: GPL-2.0

//! Sending what programs want to have sent, by the queues that the stack sends by, under their locks.

use crate::{
    tx::{
        self,
        Guard, //
    }, //
};
use netdev::{
    Free,
    TxSkb, //
};

/// Adds a frame to a queue, of which [`flush`] notifies the device later, or drops it. Returns whether it is
/// to be sent.
#[doc(alias = "__virtnet_xdp_xmit_one")]
pub(crate) fn add(tx: &mut Guard<'_, '_>, skb: TxSkb) -> bool {
    let len = skb.len();
    if !tx.has_room() {
        tx::reap(tx, Free::Anywhere);
    }
    // It is also stopped while the device is.
    let is_added = !tx.is_stopped() && tx.has_room() && tx::add(tx, skb).is_some();
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

/// Notifies the device of frames that were added, and asks for an interrupt if nobody else looks.
pub(crate) fn flush(tx: &mut Guard<'_, '_>) {
    tx.touch();
    let arms = !tx.pair().polling.is_set();
    tx::kick(tx, arms);
}
