// SPDX-License-Identifier: GPL-2.0

//! A reference to a guard, which another guard or the data could follow when it is gone.
//!
//! claim: One owner
//! error: E0308

use core::convert::Infallible;
use kernel::prelude::*;
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound>(&'bound virtio::Device);

struct Guard(u32);

driver! {
    [probe start reclaim]

    fn connect<'a>(
        _data: Pin<&'a Data<'_>>,
        connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        #[cfg(not(good))]
        let guard: &'a Guard = connect.keep::<Guard, Infallible>(Guard(1))?;
        #[cfg(good)]
        let _: () = connect.keep::<Guard, Infallible>(Guard(1))?;
        connect.driver_ok()
    }
}
