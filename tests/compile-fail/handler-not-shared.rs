// SPDX-License-Identifier: GPL-2.0

//! An interrupt handler that changes what others read, without a lock.
//!
//! claim: Interrupts and locks
//! error: E0277

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

#[cfg(not(good))]
struct Handler(core::cell::Cell<u32>);
#[cfg(good)]
struct Handler(core::sync::atomic::AtomicU32);

impl virtio::VqHandler for Handler {
    fn interrupt(&self) -> virtio::IrqReturn {
        virtio::IrqReturn::None
    }
}

driver! { [probe connect start reclaim] }
