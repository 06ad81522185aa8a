// SPDX-License-Identifier: GPL-2.0

//! A proof that the device has stopped, kept to be shown when it runs again.
//!
//! claim: Stopping a device
//! error: lifetime may not live long enough

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

fn look(_stopped: &virtio::Stopped<'_>) {}

driver! {
    [probe connect start]

    fn reclaim(data: Pin<&Data<'_>>, stopped: &virtio::Stopped<'_>) {
        #[cfg(not(good))]
        data.proof.populate(stopped);
        #[cfg(good)]
        look(stopped);
    }
}
