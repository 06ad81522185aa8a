// SPDX-License-Identifier: GPL-2.0

//! A buffer that is read while the device has it.
//!
//! claim: Buffers
//! error: E0382

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

fn submit<'bound>(
    queue: &mut virtio::Virtqueue<'bound, virtio::In<'bound>>,
    buffer: virtio::Buffer<'bound>,
    to: &mut [u8],
) {
    #[cfg(good)]
    buffer.read(0, to);
    let _ = queue.add(virtio::In(buffer));
    #[cfg(not(good))]
    buffer.read(0, to);
}

driver! { [probe connect start reclaim] }
