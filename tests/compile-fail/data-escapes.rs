// SPDX-License-Identifier: GPL-2.0

//! A reference to the data in a static variable, which outlives the device.
//!
//! claim: One owner
//! error: E0521

use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Late(u32);

static KEPT: SetOnce<&'static Late> = SetOnce::new();
static OTHER: Late = Late(1);

struct Data<'bound> {
    late: Late,
    dev: &'bound virtio::Device,
}

driver! {
    [probe start reclaim]

    fn connect<'a>(
        data: Pin<&'a Data<'_>>,
        connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        #[cfg(not(good))]
        KEPT.populate(&data.get_ref().late);
        #[cfg(good)]
        KEPT.populate(&OTHER);
        connect.driver_ok()
    }
}
