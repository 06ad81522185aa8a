// SPDX-License-Identifier: GPL-2.0

//! A token of set-up in the data, to make queues when the device is being unbound.
//!
//! claim: One owner
//! error: E0277

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound> {
    #[cfg(not(good))]
    token: virtio::Negotiated<'bound>,
    #[cfg(good)]
    token: &'bound virtio::Device,
}

driver! { [probe connect start reclaim] }
