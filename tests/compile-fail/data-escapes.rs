// SPDX-License-Identifier: GPL-2.0

//! A reference to the data in a static variable, which outlives the device.
//!
//! claim: One owner
//! error: lifetime

use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Late(u32);

static KEPT: SetOnce<&'static Late> = SetOnce::new();

struct Data<'bound> {
    late: Late,
    dev: &'bound virtio::Device,
}

#[cfg(not(good))]
driver! {
    [probe start reclaim]

    fn connect<'a>(
        data: Pin<&'static Data<'_>>,
        connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        KEPT.populate(&data.get_ref().late);
        connect.driver_ok()
    }
}

#[cfg(good)]
driver! { [probe connect start reclaim] }
