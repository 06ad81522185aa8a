// SPDX-License-Identifier: GPL-2.0

//! A disk that is added to a device that does not run yet.
//!
//! claim: One owner
//! error: E0308

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

fn add<'a, T: blk_mq::Operations>(
    disk: &'a blk_mq::GenDisk<'_, T>,
    connect: virtio::Connect<'a>,
) -> Result {
    #[cfg(good)]
    let connect = connect.driver_ok()?;
    disk.add(&connect)
}

driver! { [probe connect start reclaim] }
