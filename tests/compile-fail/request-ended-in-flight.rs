// SPDX-License-Identifier: GPL-2.0

//! A request that is ended while the device has it.
//!
//! claim: Buffers
//! error: E0382

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
    rq: Prepared<Command<'bound>>,
) {
    #[cfg(not(good))]
    let _ = queue.add(rq);
    Request::from(rq).end(blk_mq::BlkStatus::Ok);
}

driver! { [probe connect start reclaim] }
