// SPDX-License-Identifier: GPL-2.0

//! A set-up that is kept in the driver's data, to store more when the device is being unbound.
//!
//! claim: Storage with the lifetime `'bound`
//! error: E0277

use rvirtio as virtio;

struct Data<'bound> {
    #[cfg(not(good))]
    ready: virtio::Ready<'bound>,
    #[cfg(good)]
    ready: &'bound virtio::Device,
}

/// What a driver's data has to be.
fn can_be_data<T: Send>() {}

fn check<'bound>() {
    can_be_data::<Data<'bound>>();
}
