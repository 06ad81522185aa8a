// SPDX-License-Identifier: GPL-2.0

//! Data that interrupts and processes would change at the same time.
//!
//! claim: One owner
//! error: E0277

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound> {
    dev: &'bound virtio::Device,
    #[cfg(not(good))]
    count: core::cell::Cell<u32>,
    #[cfg(good)]
    count: core::sync::atomic::AtomicU32,
}

driver! { [probe connect start reclaim] }
