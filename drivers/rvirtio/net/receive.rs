// SPDX-License-Identifier: GPL-2.0

//! Receiving.

use crate::{
    assemble::{
        many,
        one,
        small, //
    },
    data::NetOps,
    deliver::pass,
    dropped::{
        count,
        BadLength,
        Dropped, //
    },
    refill,
    rx::Rx,
    xsk_rx::{
        self,
        Filled, //
    }, //
};
use netdev::{
    Napi,
    RxPosted, //
};

/// Receives up to `budget` frames, and returns how many these are.
#[doc(alias = "virtnet_receive")]
#[inline]
pub(crate) fn receive<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    budget: u32,
) -> u32 {
    let mut received = 0;
    while received < budget {
        let Some(used) = rx.vq.peek() else {
            break;
        };
        received += 1;
        let outcome = match small(napi, &used) {
            Some(copied) => {
                used.again();
                copied.map(|skb| pass(napi, skb))
            }
            None => {
                let (written, overlong) = (used.written, used.overlong);
                match used.take() {
                    Some(buf) => large(rx, napi, buf, written, overlong),
                    // The queue has a buffer for each that is used.
                    None => Ok(()),
                }
            }
        };
        if let Err(why) = outcome {
            count(rx, napi, why);
        }
        if received == 1 {
            rx.vq.disable_cb();
        }
    }
    if received != 0 {
        rx.adjust_level();
    }
    if received != 0 || rx.is_starved() {
        refill::fill(rx, &mut napi.pools());
    }
    received
}

/// Receives the frame that starts in a buffer, with all that this can take.
#[inline(never)]
fn large<'bound>(
    rx: &mut Rx<'bound>,
    napi: &mut Napi<'_, NetOps<'bound>>,
    buf: RxPosted,
    written: u32,
    overlong: bool,
) -> Result<(), Dropped> {
    match buf {
        RxPosted::One(buf) => one(rx, napi, buf, written, overlong),
        RxPosted::Many(_) if overlong => Err(Dropped::Length(BadLength::Overlong)),
        RxPosted::Many(bufs) => many(rx, napi, bufs, written),
        RxPosted::Xsk(buf) => {
            let first = Filled {
                buf,
                written,
                overlong,
            };
            xsk_rx::receive(rx, napi, first)
        }
    }
}
