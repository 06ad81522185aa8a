// SPDX-License-Identifier: GPL-2.0

//! All that the driver has of a device.

use crate::{
    capacity::Capacity,
    config::BlkConfig,
    ops::Ops, //
};
use blk_mq::GenDisk;
use core::sync::atomic::{
    AtomicBool,
    Ordering, //
};
use kernel::{
    device::Bound,
    prelude::*, //
};
use rvirtio::Device;

/// The disk of a device, which owns its tags, its queues and what attributes work with.
pub(crate) type Disk<'bound> = GenDisk<'bound, Ops<'bound>>;

/// Per-device driver data.
#[pin_data]
pub(crate) struct Data<'bound> {
    pub(crate) dev: &'bound Device<Bound>,
    pub(crate) config: BlkConfig<'bound>,
    /// Logical block size in bytes, which does not change as long as there is the disk.
    pub(crate) block_size: u32,
    /// The capacity was not in whole blocks, and we said so.
    pub(crate) rest_logged: AtomicBool,
    #[pin]
    pub(crate) disk: Disk<'bound>,
}

impl Data<'_> {
    /// Takes over the capacity that the device has now.
    pub(crate) fn update_capacity(&self) {
        // What there is stays if it fails; core has logged a configuration that cannot be read.
        let _ = self.disk.resize(|| {
            let reported = self.config.capacity()?;
            let Some(Capacity { usable, rest }) = Capacity::new(reported, self.block_size) else {
                dev_err!(self.dev, "invalid capacity of {reported} sectors\n");
                return Err(EINVAL);
            };
            if rest != 0 && !self.rest_logged.swap(true, Ordering::Relaxed) {
                dev_warn!(
                    self.dev,
                    "ignoring {rest} sectors at the end, which are no whole block of {} bytes\n",
                    self.block_size
                );
            }
            Ok(usable)
        });
    }
}
