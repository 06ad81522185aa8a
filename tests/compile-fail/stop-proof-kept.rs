// SPDX-License-Identifier: GPL-2.0

//! A proof that the device has stopped, kept to be shown when it runs again.
//!
//! claim: Stopping a device
//! error: doesn't match `trait` item signature

use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use rvirtio as virtio;

include!("lib/driver.rs");

struct Data<'bound> {
    proof: SetOnce<&'bound virtio::Stopped<'bound>>,
    queue: SetOnce<&'bound virtio::Device>,
}

#[cfg(not(good))]
driver! {
    [probe connect start]

    fn reclaim<'a>(data: Pin<&Data<'a>>, stopped: &'a virtio::Stopped<'a>) {
        data.proof.populate(stopped);
    }
}

#[cfg(good)]
driver! { [probe connect start reclaim] }
