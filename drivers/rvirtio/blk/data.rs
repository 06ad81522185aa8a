// SPDX-License-Identifier: GPL-2.0

//! All that the driver has of a device.

use crate::{
    config::BlkConfig,
    limits::MAX_CAPACITY,
    ops::Ops, //
};
use blk_mq::GenDisk;
use kernel::prelude::*;

/// The disk of a device, which owns its tags, its queues and what attributes work with.
pub(crate) type Disk<'bound> = GenDisk<'bound, Ops<'bound>>;

/// Per-device driver data.
#[pin_data]
pub(crate) struct Data<'bound> {
    pub(crate) config: BlkConfig<'bound>,
    #[pin]
    pub(crate) disk: Disk<'bound>,
}

impl Data<'_> {
    /// Takes over the capacity that the device has now.
    pub(crate) fn update_capacity(&self) {
        // What there is stays if it fails; core has logged a configuration that cannot be read.
        let _ = self.disk.resize(|| match self.config.capacity()? {
            capacity if capacity <= MAX_CAPACITY => Ok(capacity),
            _ => Err(EINVAL),
        });
    }
}
