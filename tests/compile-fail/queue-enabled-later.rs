// SPDX-License-Identifier: GPL-2.0

//! Permission to enable queues, kept to do so behind a reset.
//!
//! claim: Stopping a device
//! error: E0521

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

fn look<T>(_start: T) {}

fn keep<T: 'static>(_start: T) {}

driver! {
    [probe connect reclaim]

    fn start(_data: Pin<&Data<'_>>, start: &mut virtio::Start<'_>) -> Result {
        #[cfg(not(good))]
        keep(start);
        #[cfg(good)]
        look(start);
        Ok(())
    }
}
