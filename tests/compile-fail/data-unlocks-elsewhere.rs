// SPDX-License-Identifier: GPL-2.0

//! Data that holds a lock, which another thread than the one that took it would release.
//!
//! claim: One owner
//! error: E0277

use kernel::{
    prelude::*,
    sync::MutexGuard, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound> {
    dev: &'bound virtio::Device,
    #[cfg(not(good))]
    held: Option<MutexGuard<'static, u32>>,
    #[cfg(good)]
    held: Option<&'static u32>,
}

driver! { [probe connect start reclaim] }
