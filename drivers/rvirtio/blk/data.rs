// SPDX-License-Identifier: GPL-2.0

//! All that the driver has of a device.

use crate::{
    config::BlkConfig,
    limits::MAX_CAPACITY,
    ops::Ops, //
};
use blk_mq::GenDisk;
use kernel::{
    device::Bound,
    prelude::*, //
};
use rvirtio::{
    ConfigHandler,
    Device, //
};

/// The disk of a device, which owns its tags, its queues and what attributes work with.
pub(crate) type Disk<'bound> = GenDisk<'bound, Ops<'bound>>;

/// Per-device driver data.
#[pin_data]
pub(crate) struct Data<'bound> {
    pub(crate) dev: &'bound Device<Bound>,
    pub(crate) config: BlkConfig<'bound>,
    #[pin]
    pub(crate) disk: Disk<'bound>,
}

impl Data<'_> {
    /// Ends the requests of a device that does not do so any more.
    pub(crate) fn unbind(&self) {
        // The disk's removal waits for its requests. A device that is gone or has failed does not
        // end them.
        if self.dev.needs_reset() || self.disk.queues().any(|queue| queue.is_broken()) {
            self.fail_all();
        }
    }

    /// Stops the device, and ends all its requests and all that are to come with an error.
    fn fail_all(&self) {
        let stopped = self.dev.stop();
        for queue in self.disk.queues() {
            queue.fail_all(&stopped);
        }
    }
}

impl ConfigHandler for Data<'_> {
    #[doc(alias = "virtblk_config_changed")]
    fn config_changed(&self) {
        if self.dev.needs_reset() {
            dev_err!(self.dev, "device has failed: all I/O ends with an error\n");
            self.fail_all();
            return;
        }
        // What there is stays if it fails; core has logged a configuration that cannot be read.
        let _ = self.disk.resize(|| match self.config.capacity()? {
            capacity if capacity <= MAX_CAPACITY => Ok(capacity),
            _ => Err(EINVAL),
        });
    }
}
