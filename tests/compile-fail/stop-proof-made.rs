// SPDX-License-Identifier: GPL-2.0

//! A proof that the device has stopped, made by the driver itself.
//!
//! claim: Stopping a device
//! error: E0451

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

fn detach(
    queue: &mut virtio::Virtqueue<'_, virtio::In<'_>>,
    stopped: virtio::Stopped<'_>,
) -> Option<()> {
    #[cfg(not(good))]
    let stopped = virtio::Stopped {
        confirmed: true,
        ..stopped
    };
    queue.detach_unused(&stopped).map(drop)
}

driver! { [probe connect start reclaim] }
