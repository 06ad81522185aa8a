// SPDX-License-Identifier: GPL-2.0

//! Letting tests call a front end.

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

/// Lets tests call `front` until the device is unbound.
///
/// # Errors
///
/// [`ENODEV`] when the device is not one of this crate; [`ENOMEM`].
pub fn listen<'a, T: Front>(ready: &Ready<'a>, front: &'a T) -> Result {
    let device = Device::of(ready.device())?;
    // SAFETY: The listener takes it away. That is kept, so dropped before `'a` ends.
    *device.front().lock() = Some(unsafe { Erased::new(front) });
    ready.keep(Listener(device))
}

/// Ends the calls when it is dropped.
struct Listener(Arc<Device>);

impl Drop for Listener {
    fn drop(&mut self) {
        *self.0.front().lock() = None;
    }
}
