// SPDX-License-Identifier: GPL-2.0

//! Sockets (AF_XDP) that lend their memory to a pair, to be received into and sent from without copies.
//!
//! The receive queue is reset then, so that it has no other buffers, and again when the memory is given back,
//! as the device has some of it (virtio 1.4, 2.6.1 Virtqueue Reset). The transmit queue has frames of all kinds,
//! and is reset only if the device does not send those of the socket.

use crate::{
    caps::Caps,
    data::{
        NetData,
        NetOps, //
    },
    resize::{
        go_on,
        hold_back, //
    },
    rx,
    rx_mode::RxMode,
    spec::ETHERNET_HEADER,
    tx, //
};
use kernel::prelude::*;
use netdev::{
    Held,
    Unbound,
    XskPool,
    XskSlots, //
};

/// The MTU whose frames have to fit in one buffer whatever the device can do.
const USUAL_MTU: u32 = 1500;

/// Returns whether a device can do with the memory of sockets, if it can reset single queues.
pub(crate) fn can_bind(caps: &Caps) -> bool {
    // Else there would be no room for frames that the device has merged.
    caps.mergeable || !caps.rx.has_gso()
}

/// Has a pair receive into and send from the memory of a socket, or not any more.
///
/// # Errors
///
/// [`EOPNOTSUPP`] if the device cannot do that, [`EINVAL`] for a pair that is not used, and for buffers that are
/// too small, [`EBUSY`] while the device is reset, [`ENOMEM`]: nothing has changed then. Those of resetting a
/// queue, after which the device is reset.
#[doc(alias = "virtnet_xsk_pool_setup")]
pub(crate) fn set(
    held: &mut Held<'_, NetOps<'_>>,
    index: u16,
    pool: Option<XskPool<'_>>,
) -> Result {
    let index = usize::from(index);
    let Some(pool) = pool else {
        return unbind(held, index);
    };
    let data = held.data();
    let rings = data.rings.pairs.get(index);
    let Some([_, tx_ring]) = rings.filter(|_| index < data.used_pairs().into()) else {
        return Err(EINVAL);
    };
    if !can_bind(&data.caps) || !data.rings.can_reset() {
        return Err(EOPNOTSUPP);
    }
    if data.is_paused() {
        return Err(EBUSY);
    }
    if held.mtu() > max_mtu(&data.caps, pool.frame_size()) {
        return Err(EINVAL);
    }
    let pair = held.pairs().get(index).ok_or(EINVAL)?;
    let header_len = data.caps.layout.len();
    if pair.lock_tx().xsk.is_none() {
        // A frame has two descriptors.
        let count = tx_ring.handle.max_size() / 2;
        let slots = XskSlots::new(data.rings.dma, header_len, count)?;
        pair.lock_tx().xsk = Some(slots);
    }
    let bound = held.xsk_bind(index, &pool, header_len);
    let result = bound.and_then(|()| start(held, index, pool.frame_size()));
    if result.is_err() {
        stop(held, index);
    }
    go_on(held, index);
    result
}

/// Returns the largest MTU with which frames fit in buffers that have room for `frame_size` bytes. Devices
/// that can go on in another buffer do so with longer frames, but not with short ones.
pub(crate) fn max_mtu(caps: &Caps, frame_size: u32) -> u32 {
    match frame_size.checked_sub(ETHERNET_HEADER) {
        Some(mtu) if caps.mergeable && mtu >= USUAL_MTU => u32::MAX,
        Some(mtu) => mtu,
        None => 0,
    }
}

/// Has a pair that is paused receive into nothing but the memory of the socket.
#[doc(alias = "virtnet_rq_bind_xsk_pool")]
fn start(held: &mut Held<'_, NetOps<'_>>, index: usize, frame_size: u32) -> Result {
    let mode = RxMode::of_socket(&held.data().caps, frame_size);
    reset_rx(held, index)?;
    if let Some((rx, mut pools)) = held.rx(index) {
        let is_woken = pools.xsk().is_some_and(|xsk| xsk.is_woken());
        rx.lend(mode, is_woken);
    }
    Ok(())
}

/// Gives the memory of a socket back.
#[doc(alias = "virtnet_xsk_pool_disable")]
fn unbind(held: &mut Held<'_, NetOps<'_>>, index: usize) -> Result {
    let pair = held.pairs().get(index).ok_or(EINVAL)?;
    held.pause(index);
    hold_back(pair);
    let mut result = reset_rx(held, index);
    if pair.lock_tx().xsk_in_flight() != 0 {
        result = result.and(reset_tx(held.data(), held, index));
    }
    stop(held, index);
    go_on(held, index);
    result
}

/// Has a pair that is paused work without the memory of a socket.
fn stop(held: &mut Held<'_, NetOps<'_>>, index: usize) {
    let dev = held.data().dev;
    if held.xsk_unbind(index) == Unbound::Leaked {
        dev_err!(
            dev,
            "memory of a socket still in use by the device in pair {index}, leaking it\n"
        );
    }
    if let Some((rx, _)) = held.rx(index) {
        rx.give_back();
    }
}

/// Takes all buffers out of the receive queue of a pair that is paused.
fn reset_rx(held: &mut Held<'_, NetOps<'_>>, index: usize) -> Result {
    let [ring, _] = held.data().rings.pairs.get(index).ok_or(EINVAL)?;
    let (rx, mut pools) = held.rx(index).ok_or(EBUSY)?;
    if rx.vq.in_flight() == 0 {
        // It is empty if the device was stopped.
        return Ok(());
    }
    ring.handle.reset_with(|stopped, start| {
        rx::reclaim(rx, &mut pools, stopped);
        start.enable(&mut rx.vq)
    })
}

/// Takes all frames out of the transmit queue of a pair, which the stack does not use.
fn reset_tx(data: &NetData<'_>, held: &Held<'_, NetOps<'_>>, index: usize) -> Result {
    let [_, ring] = data.rings.pairs.get(index).ok_or(EINVAL)?;
    let pair = held.pairs().get(index).ok_or(EINVAL)?;
    ring.handle.reset_with(|stopped, start| {
        let mut tx = pair.lock_tx();
        tx::reclaim(&mut tx, stopped);
        start.enable(&mut tx.vq)
    })
}
