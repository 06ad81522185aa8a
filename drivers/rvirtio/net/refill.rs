// SPDX-License-Identifier: GPL-2.0

//! Posting buffers for frames to be received.

use crate::{
    data::NetOps,
    rx::Rx,
    rx_mode::{
        RxMode,
        BIG_PARTS, //
    }, //
};
use kernel::prelude::*;
use netdev::{
    Pools,
    RxBuf,
    RxPosted,
    XskRx, //
};

/// Posts buffers up to the level of the queue, and notifies the device of them, if it could need them
/// before the next poll. Goes on with what there is if there is no memory.
#[doc(alias = "try_fill_recv")]
#[inline]
pub(crate) fn fill<'bound>(rx: &mut Rx<'bound>, pools: &mut Pools<'_, NetOps<'bound>>) {
    if rx.wants_more() {
        post_new(rx, pools);
    }
    if rx.is_kick_due() {
        // Of those, too, that were posted again since the last time.
        if let Some(kick) = rx.vq.kick_prepare() {
            kick.notify();
            pools.pair().rx.kicks.add(1);
        }
    }
}

#[inline(never)]
fn post_new<'bound>(rx: &mut Rx<'bound>, pools: &mut Pools<'_, NetOps<'bound>>) {
    if let RxMode::Socket { .. } = rx.mode {
        return post_lent(rx, pools);
    }
    while rx.wants_more() {
        let Some(buf) = next(rx, pools) else {
            pools.pair().rx.alloc_fail.add(1);
            break;
        };
        if !post(rx, buf) {
            break;
        }
    }
}

/// Posts what a socket has lent.
#[doc(alias = "virtnet_add_recvbuf_xsk")]
fn post_lent<'bound>(rx: &mut Rx<'bound>, pools: &mut Pools<'_, NetOps<'bound>>) {
    let Some(xsk) = pools.xsk() else {
        return;
    };
    post_some_lent(rx, xsk);
    if rx.is_starved() {
        xsk.set_starved(true);
        // What was lent just before user space could know.
        post_some_lent(rx, xsk);
    }
    if !rx.is_starved() {
        xsk.set_starved(false);
    }
}

fn post_some_lent(rx: &mut Rx<'_>, xsk: &mut XskRx) {
    xsk.take(rx.vq.num_free(), |buf| {
        match rx.vq.add(RxPosted::Xsk(buf)) {
            Ok(()) => Ok(()),
            Err(rejected) => match rejected.value {
                RxPosted::Xsk(buf) => Err(buf),
                // It was not one of these.
                RxPosted::One(_) | RxPosted::Many(_) => Ok(()),
            },
        }
    });
}

/// Posts a buffer, of which the device is notified later. Returns whether the queue took it.
#[inline]
pub(crate) fn post(rx: &mut Rx<'_>, buf: RxPosted) -> bool {
    rx.vq.add(buf).is_ok()
}

/// Allocates a buffer.
#[inline]
fn next<'bound>(rx: &mut Rx<'bound>, pools: &mut Pools<'_, NetOps<'bound>>) -> Option<RxPosted> {
    match rx.mode {
        RxMode::Mtu => half_page(rx, pools).map(RxPosted::One),
        RxMode::Bulk => pools.alloc(0).or_else(|| pools.alloc(1)).map(RxPosted::One),
        RxMode::Jumbo { .. } => pools.alloc(0).map(RxPosted::One),
        RxMode::Big => {
            let mut parts = KVec::with_capacity(BIG_PARTS.len(), GFP_ATOMIC).ok()?;
            for pool in BIG_PARTS {
                parts.push_within_capacity(pools.alloc(pool)?).ok()?;
            }
            Some(RxPosted::Many(parts))
        }
        RxMode::Socket { .. } => None,
    }
}

/// Returns a half of a page, and keeps the other one.
fn half_page<'bound>(rx: &mut Rx<'bound>, pools: &mut Pools<'_, NetOps<'bound>>) -> Option<RxBuf> {
    if let Some(half) = rx.half.take() {
        return Some(half);
    }
    let page = pools.alloc(0)?;
    let middle = page.len() / 2;
    let (first, second) = page.split(middle);
    rx.half = second;
    Some(first)
}
