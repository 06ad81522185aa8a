// SPDX-License-Identifier: GPL-2.0

//! Which pairs of queues work.

use crate::{
    data::NetOps,
    refill,
    tx, //
};
use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use netdev::{
    Free,
    Held,
    NetDev,
    Pair,
    Rtnl, //
};

/// Keeps all pairs from working.
pub(crate) fn halt(held: &mut Held<'_, NetOps<'_>>) {
    for pair in held.pairs() {
        pair.lock_tx().stop();
    }
    pause_from(held, 0);
}

/// Keeps pairs from being polled, from number `first` on.
fn pause_from(held: &mut Held<'_, NetOps<'_>>, first: u16) {
    for index in first.into()..held.pairs().len() {
        held.pause(index);
    }
}

/// Has all pairs that are used work, of a device that is open and runs. A queue without memory for buffers
/// asks for some again and again.
pub(crate) fn run(held: &mut Held<'_, NetOps<'_>>) {
    run_from(held, 0);
    // The stack watches all of them, and takes those that are stopped for stuck.
    for pair in held.pairs() {
        pair.lock_tx().wake();
    }
}

/// Has pairs that are used polled, from number `first` on.
pub(crate) fn run_from(held: &mut Held<'_, NetOps<'_>>, first: u16) {
    for index in first.into()..usize::from(held.data().used_pairs()) {
        if let Some((rx, mut pools)) = held.rx(index) {
            refill::fill(rx, &mut pools);
        }
        held.resume(index);
    }
}

/// Uses as many pairs as there are, of a device that nobody sees yet, or one if the device refuses.
///
/// # Errors
///
/// [`ENOMEM`].
pub(crate) fn use_all(netdev: &NetDev<NetOps<'_>>) -> Result {
    let data = netdev.data();
    // CAST: There are as many as were created, at most 32768.
    let all = netdev.pairs().len() as u16;
    let count = match data.desired().set_pairs(all) {
        Ok(()) => all,
        Err(error) => {
            dev_warn!(data.dev, "{all} pairs of queues refused: {error:?}\n");
            1
        }
    };
    data.set_used_pairs(count);
    netdev.set_pair_count(count)
}

/// Uses `count` pairs from now on, at least one and at most as many as there are.
///
/// # Errors
///
/// Those of the device and the stack; as many as before are used then.
#[doc(alias = "virtnet_set_channels")]
pub(crate) fn set(held: &mut Held<'_, NetOps<'_>>, rtnl: &Rtnl<'_>, count: u16) -> Result {
    let data = held.data();
    let before = data.used_pairs();
    let works = held.is_open() && !data.is_paused();
    if count > before {
        // They have buffers before the device uses them, and are used by the stack after that.
        data.set_used_pairs(count);
        if works {
            run_from(held, before);
        }
        let told = data.desired().set_pairs(count);
        told.and_then(|()| held.set_pair_count(rtnl, count))
            .inspect_err(|_| {
                data.set_used_pairs(before);
                let _ = data.desired().set_pairs(before);
                pause_from(held, before);
            })
    } else {
        held.set_pair_count(rtnl, count)?;
        drain(held, count);
        if let Err(error) = data.desired().set_pairs(count) {
            // There is as much room as there was.
            let _ = held.set_pair_count(rtnl, before);
            return Err(error);
        }
        data.set_used_pairs(count);
        pause_from(held, count);
        Ok(())
    }
}

/// Waits until the device has sent all frames of the pairs from number `first` on, for a while: what is left
/// would stay there.
fn drain(held: &Held<'_, NetOps<'_>>, first: u16) {
    for _ in 0..100 {
        let dropped = held.pairs().iter().skip(first.into());
        if dropped.filter(|pair| is_sending(pair)).count() == 0 {
            break;
        }
        fsleep(Delta::from_millis(1));
    }
}

/// Returns whether the device has frames to send, after a look at what it has sent.
fn is_sending(pair: &Pair<NetOps<'_>>) -> bool {
    let mut tx = pair.lock_tx();
    let _ = tx::poll(&mut tx, Free::Anywhere, false);
    tx.vq.in_flight() != 0 && !tx.vq.is_broken()
}
