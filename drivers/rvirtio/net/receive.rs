// SPDX-License-Identifier: GPL-2.0

//! Receiving.

use crate::{
    assemble::{
        many,
        one, //
    },
    data::NetOps,
    dropped::{
        count,
        BadLength,
        Dropped, //
    },
    refill,
    rx::Rx, //
};
use netdev::{
    Napi,
    RxPosted, //
};

/// Receives up to `budget` frames, and returns how many these are.
#[doc(alias = "virtnet_receive")]
pub(crate) fn receive<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    budget: u32,
) -> u32 {
    let mut received = 0;
    while received < budget {
        let Some(used) = rx.vq.used().next() else {
            break;
        };
        if received == 0 {
            rx.vq.disable_cb();
        }
        received += 1;
        let outcome = match used.data {
            RxPosted::One(buf) => one(rx, napi, buf, used.written, used.overlong),
            RxPosted::Many(_) if used.overlong => Err(Dropped::Length(BadLength::Overlong)),
            RxPosted::Many(bufs) => many(rx, napi, bufs, used.written),
        };
        if let Err(why) = outcome {
            count(rx, napi, why);
        }
    }
    if received != 0 || rx.vq.in_flight() == 0 {
        rx.adjust_level();
        refill::fill(rx, &mut napi.pools());
    }
    received
}
