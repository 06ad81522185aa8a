// SPDX-License-Identifier: GPL-2.0

//! A registration with hwrng that the driver could forget.
//!
//! claim: Registrations
//! error: E0308

use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

fn register<'a, T: hwrng::Source>(
    ready: &virtio::Ready<'a>,
    name: kernel::str::CString,
    source: &'a T,
) -> Result {
    #[cfg(not(good))]
    let registration: KBox<()> = hwrng::register(ready, name, source)?;
    #[cfg(good)]
    let registration: () = hwrng::register(ready, name, source)?;
    core::mem::forget(registration);
    Ok(())
}

driver! { [probe connect start reclaim] }
