// SPDX-License-Identifier: GPL-2.0

//! Replacing rings while frames are sent and received (virtio 1.4, 2.6.1 Virtqueue Reset).

use crate::{
    data::NetOps,
    refill,
    rings::Ring,
    rx,
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
    ExtAck,
    Free,
    Held,
    MapPool,
    Pair,
    RingSizes,
    RxPosted,
    TxPosted, //
};
use rvirtio::virtqueue::SpareRing;

/// The rings that a pair gets; `None` for one that it keeps.
struct Spare<'bound> {
    rx: Option<SpareRing<'bound, RxPosted>>,
    tx: Option<(SpareRing<'bound, TxPosted<'bound>>, MapPool<'bound>)>,
}

/// Replaces rings that have not the given sizes, one pair after the other. Frames that the device has not
/// sent within a tenth of a second, and those that it has received and nobody has seen, are dropped.
///
/// # Errors
///
/// [`EOPNOTSUPP`] and [`EINVAL`] if the device or a ring cannot have that, [`ENOMEM`], [`EBUSY`] while the
/// device is reset: nothing has changed then. Those of resetting a queue, after which the device is reset,
/// and some rings have their new sizes.
#[doc(alias = "virtnet_set_ringparam")]
pub(crate) fn resize(
    held: &mut Held<'_, NetOps<'_>>,
    sizes: RingSizes,
    ack: &mut ExtAck<'_>,
) -> Result {
    let data = held.data();
    let rings = &data.rings;
    for [rx, tx] in &rings.pairs {
        rx.check(sizes.rx, ack)?;
        tx.check(sizes.tx, ack)?;
    }
    if data.is_paused() {
        ack.say(c"the device is being reset");
        return Err(EBUSY);
    }
    // All of the memory first.
    let mut spares = KVec::with_capacity(rings.pairs.len(), GFP_KERNEL)?;
    for [rx, tx] in &rings.pairs {
        let spare = Spare {
            rx: match sizes.rx {
                size if size == rx.size() => None,
                size => Some(rx.handle.ring(size)?),
            },
            tx: match sizes.tx {
                size if size == tx.size() => None,
                size => Some((tx.handle.ring(size)?, MapPool::new(rings.dma, size)?)),
            },
        };
        spares.push(spare, GFP_KERNEL)?;
    }
    for (index, spare) in spares.into_iter().enumerate() {
        if spare.rx.is_none() && spare.tx.is_none() {
            continue;
        }
        replace(held, index, spare)
            .inspect_err(|_| ack.say(c"the device did not reset a queue"))?;
    }
    Ok(())
}

/// Replaces rings of a pair, which works afterwards if it did before.
fn replace<'bound>(
    held: &mut Held<'_, NetOps<'bound>>,
    index: usize,
    spare: Spare<'bound>,
) -> Result {
    let data = held.data();
    let (Some(pair), Some([rx_ring, tx_ring])) =
        (held.pairs().get(index), data.rings.pairs.get(index))
    else {
        return Err(EINVAL);
    };
    held.pause(index);
    let mut result = Ok(());
    if let Some((ring, maps)) = spare.tx {
        hold_back(pair);
        result = replace_tx(pair, tx_ring, ring, maps);
    }
    if let (Ok(()), Some(ring), Some((rx, mut pools))) = (result, spare.rx, held.rx(index)) {
        let mut ring = ring;
        result = rx_ring.handle.reset_with(|stopped, start| {
            rx::reclaim(rx, &mut pools, stopped);
            start.enable_with(&mut rx.vq, &mut ring)
        });
        rx.set_levels();
        rx_ring.set_size(rx.vq.size());
    }
    go_on(held, index);
    result
}

/// Has a pair of which queues were reset work again, if it did before.
pub(crate) fn go_on(held: &mut Held<'_, NetOps<'_>>, index: usize) {
    let data = held.data();
    let Some(pair) = held.pairs().get(index) else {
        return;
    };
    if data.is_paused() {
        return;
    }
    // A queue that was reset waits as all do, or not at all.
    if let Err(error) = data.desired().replay_coalescing(pair.index()) {
        dev_warn!(
            data.dev,
            "coalescing of pair {index} could not be restored: {error:?}\n"
        );
    }
    if held.is_open() {
        if index < data.used_pairs().into() {
            if let Some((rx, mut pools)) = held.rx(index) {
                refill::fill(rx, &mut pools);
            }
            held.resume(index);
        }
        pair.lock_tx().wake();
    }
}

/// Keeps the stack from sending by a pair, and waits for a while until the device has sent what it has.
pub(crate) fn hold_back(pair: &Pair<NetOps<'_>>) {
    for _ in 0..100 {
        let mut tx = pair.lock_tx();
        let _ = tx::poll(&mut tx, Free::Anywhere, false);
        // That may have woken it.
        tx.stop();
        if tx.vq.in_flight() == 0 || tx.vq.is_broken() {
            break;
        }
        drop(tx);
        fsleep(Delta::from_millis(1));
    }
}

/// Replaces the ring of a transmit queue, which the stack does not use.
#[doc(alias = "virtnet_tx_resize")]
fn replace_tx<'bound>(
    pair: &Pair<NetOps<'bound>>,
    of: &Ring<'bound>,
    ring: SpareRing<'bound, TxPosted<'bound>>,
    maps: MapPool<'bound>,
) -> Result {
    let (mut ring, mut maps) = (ring, maps);
    let result = of.handle.reset_with(|stopped, start| {
        let mut tx = pair.lock_tx();
        tx::reclaim(&mut tx, stopped);
        tx.exchange_maps(&mut maps);
        start.enable_with(&mut tx.vq, &mut ring)
    });
    of.set_size(pair.lock_tx().vq.size());
    result
}
