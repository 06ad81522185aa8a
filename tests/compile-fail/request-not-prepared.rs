// SPDX-License-Identifier: GPL-2.0

//! A request in the ring whose table is that of an earlier one.
//!
//! claim: Buffers
//! error: E0308

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

use blk_mq::{
    virtqueue::Prepared,
    Request, //
};
use rvirtio::virtqueue::exchange::Exchange;

struct Data<'bound>(&'bound virtio::Device);

type Command<'bound> = Exchange<'bound, [u8; 16], u8>;

fn submit<'bound>(
    queue: &mut virtio::Virtqueue<'bound, Prepared<Command<'bound>>>,
    rq: Request<Command<'bound>>,
) -> Option<()> {
    #[cfg(good)]
    let rq = rq.prepare([0; 16], 0, ()).ok()?;
    queue.add(rq).ok()
}

driver! { [probe connect start reclaim] }
