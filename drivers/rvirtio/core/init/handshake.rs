// SPDX-License-Identifier: GPL-2.0

//! The sequence of a device that was reset, up to FEATURES_OK (virtio 1.4, 3.1.1).

use crate::{
    device::Device,
    spec::{
        feature::Features,
        status::DeviceStatus, //
    }, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};

/// Acknowledges a device that was reset, accepts the features that `choose` chooses from those that
/// it offers, and returns them once the device has confirmed them.
///
/// # Errors
///
/// Those of `choose`; [`ENODEV`] if the device does not accept the features.
pub(crate) fn handshake(
    dev: &Device<Bound>,
    choose: impl FnOnce(Features) -> Result<Features>,
) -> Result<Features> {
    let transport = dev.transport();
    // No bit of the status may be cleared (virtio 1.4, 2.1.1).
    let add_status = |bit| transport.set_status(transport.status().with(bit));
    add_status(DeviceStatus::ACKNOWLEDGE);
    add_status(DeviceStatus::DRIVER);
    let features = choose(transport.device_features())?;
    transport.set_driver_features(features);
    add_status(DeviceStatus::FEATURES_OK);
    if !transport.status().contains(DeviceStatus::FEATURES_OK) {
        dev_err!(dev, "features not accepted: {features:?}\n");
        return Err(ENODEV);
    }
    dev.set_features(features);
    Ok(features)
}
