// SPDX-License-Identifier: GPL-2.0

//! Sending out of the memory of a socket, by the queue that the stack sends by, under its lock.

use crate::tx::{
    self,
    Guard, //
};
use netdev::Free;

/// Sends up to `budget` frames that a socket wants to have sent, if there is one, as far as there is room.
/// Returns whether there may be more for which there is room.
#[doc(alias = "virtnet_xsk_xmit")]
#[inline]
pub(crate) fn send(tx: &mut Guard<'_, '_>, budget: u32) -> bool {
    tx.has_xsk() && send_some(tx, budget)
}

#[inline(never)]
fn send_some(tx: &mut Guard<'_, '_>, budget: u32) -> bool {
    tx::reap(tx, Free::Softirq);
    if tx.vq.is_broken() {
        return false;
    }
    // Who adds frames while none are taken says so from now on.
    tx.xsk_wants_wakeup();
    // Header and frame have a descriptor each.
    let room = u32::from(tx.vq.num_free() / 2);
    let (mut sent, mut bytes) = (0_u32, 0_u64);
    let taken = tx.xsk_send(room.min(budget), |tx, frame| {
        let len = frame.len();
        tx::add_of_socket(tx, frame)?;
        sent = sent.wrapping_add(1);
        bytes = bytes.wrapping_add(len.into());
        Ok(())
    });
    if taken == 0 {
        return false;
    }
    let counters = &tx.pair().tx;
    counters.packets.add(sent.into());
    counters.bytes.add(bytes);
    counters.xdp.add(sent.into());
    // Not below 0.
    counters.xdp_drops.add(taken.wrapping_sub(sent).into());
    if !tx.has_room() {
        tx::full(tx);
    }
    tx.touch();
    // The poll looks at what was sent.
    tx::kick(tx, false);
    taken == budget
}
