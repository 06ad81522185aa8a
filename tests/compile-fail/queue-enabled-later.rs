// SPDX-License-Identifier: GPL-2.0

//! Permission to enable queues, kept to do so behind a reset.
//!
//! claim: Stopping a device
//! error: lifetime

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

fn keep<T: 'static>(_start: T) {}

#[cfg(not(good))]
driver! {
    [probe connect reclaim]

    fn start(_data: Pin<&Data<'_>>, start: &'static mut virtio::Start<'static>) -> Result {
        keep(start);
        Ok(())
    }
}

#[cfg(good)]
driver! { [probe connect start reclaim] }
