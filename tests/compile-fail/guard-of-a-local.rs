// SPDX-License-Identifier: GPL-2.0

//! A guard that refers to a local variable, which ends before it.
//!
//! claim: One owner
//! error: E0597

use core::convert::Infallible;
use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

struct Guard<'a>(&'a u32);

static OTHER: u32 = 1;

driver! {
    [probe start reclaim]

    fn connect<'a>(
        _data: Pin<&'a Data<'_>>,
        connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        let local = 1;
        #[cfg(not(good))]
        connect.keep::<Guard<'_>, Infallible>(Guard(&local))?;
        #[cfg(good)]
        connect.keep::<Guard<'_>, Infallible>(Guard(&OTHER))?;
        connect.driver_ok()
    }
}
