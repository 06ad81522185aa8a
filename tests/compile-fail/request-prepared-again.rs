// SPDX-License-Identifier: GPL-2.0

//! A request that is prepared anew, or ended, while it is ready for the device.
//!
//! claim: Buffers
//! error: E0507

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

fn end(rq: Prepared<Command<'_>>) {
    #[cfg(good)]
    let rq = Request::from(rq);
    rq.end(blk_mq::BlkStatus::Ok);
}

driver! { [probe connect start reclaim] }
