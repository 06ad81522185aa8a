// SPDX-License-Identifier: GPL-2.0

//! An interrupt handler that ends with `probe`.
//!
//! claim: Storage with the lifetime `'bound`
//! error: E0597

use kernel::prelude::*;
use rvirtio as virtio;

struct Handler;

impl virtio::VqHandler for Handler {
    fn interrupt(&self) {}
}

fn bring_up(init: virtio::Negotiated<'_>) -> Result {
    let mut init = init.find_vqs(&[])?;
    #[cfg(not(good))]
    let local = Handler;
    #[cfg(not(good))]
    let handler = Pin::new(&local);
    #[cfg(good)]
    let handler = init.manage(Handler)?;
    init.request_irq(0, handler)
}
