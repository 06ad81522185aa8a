// SPDX-License-Identifier: GPL-2.0

//! Registration of a front end for calls by tests.

use crate::{
    device::Device,
    front::{
        Erased,
        Front, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc, //
};
use rvirtio::Ready;

/// Allows tests to call `front` until the device is unbound.
///
/// # Errors
///
/// [`ENODEV`] if the device does not belong to this crate; [`ENOMEM`].
pub fn listen<'a, T: Front>(ready: &Ready<'a>, front: &'a T) -> Result {
    let device = Device::of(ready.device())?;
    // SAFETY: The listener drops the value. The listener is kept, so it is dropped before `'a`
    // ends.
    *device.front().lock() = Some(unsafe { Erased::new(front) });
    ready.keep(Listener(device))
}

/// A guard that ends the calls when it is dropped.
struct Listener(Arc<Device>);

impl Drop for Listener {
    fn drop(&mut self) {
        *self.0.front().lock() = None;
    }
}
