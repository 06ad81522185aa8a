// SPDX-License-Identifier: GPL-2.0

//! Memory of the driver's own as a buffer, with addresses that it makes up.
//!
//! claim: Buffers
//! error: `unsafe`

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

struct Mine;

#[cfg(not(good))]
unsafe impl virtio::Buffers for Mine {
    fn readable(&self) -> impl Iterator<Item = virtio::Segment> {
        core::iter::empty()
    }

    fn writable(&self) -> impl Iterator<Item = virtio::Segment> {
        core::iter::empty()
    }
}

driver! { [probe connect start reclaim] }
