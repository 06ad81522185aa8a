// SPDX-License-Identifier: GPL-2.0

//! Data that refers to itself, by a function that wants it to live as long as what it is made of.
//!
//! claim: One owner
//! error: doesn't match `trait` item signature

use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound> {
    late: u32,
    early: SetOnce<&'bound u32>,
}

#[cfg(not(good))]
driver! {
    [probe start reclaim]

    fn connect<'a>(
        data: Pin<&'a Data<'a>>,
        connect: virtio::Connect<'a>,
    ) -> Result<virtio::Ready<'a>> {
        data.early.populate(&data.get_ref().late);
        connect.driver_ok()
    }
}

#[cfg(good)]
driver! { [probe connect start reclaim] }
