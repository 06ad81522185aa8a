// SPDX-License-Identifier: GPL-2.0

//! An interrupt handler that ends with the function that registers it.
//!
//! claim: One owner
//! error: E0597

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

struct Handler;

static OTHER: Handler = Handler;

impl virtio::VqHandler for Handler {
    fn interrupt(&self) -> virtio::IrqReturn {
        virtio::IrqReturn::None
    }
}

driver! {
    [probe start reclaim]

    fn connect<'a>(
        _data: Pin<&'a Data<'_>>,
        mut connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        let local = Handler;
        #[cfg(not(good))]
        connect.request_irq(0, &local)?;
        #[cfg(good)]
        connect.request_irq(0, &OTHER)?;
        connect.driver_ok()
    }
}
