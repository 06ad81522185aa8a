// SPDX-License-Identifier: GPL-2.0

//! The driver data of a device.

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

/// The disk of a device, which owns its tags, its queues and the data of its attributes.
pub(crate) type Disk<'bound> = GenDisk<'bound, Ops<'bound>>;

/// Per-device driver data.
#[pin_data]
pub(crate) struct Data<'bound> {
    pub(crate) dev: &'bound Device<Bound>,
    pub(crate) config: BlkConfig<'bound>,
    /// Logical block size in bytes, which does not change while the disk exists.
    pub(crate) block_size: u32,
    /// Whether a capacity that is not a multiple of the block size was logged.
    pub(crate) rest_logged: AtomicBool,
    #[pin]
    pub(crate) disk: Disk<'bound>,
}

impl Data<'_> {
    /// Sets the capacity of the disk to that of the device, unless it has zones: these would have to
    /// change, too.
    pub(crate) fn update_capacity(&self) {
        if self.disk.data().zones().is_some() {
            return;
        }
        // On failure the capacity does not change. Core logs if the configuration cannot be read.
        let _ = self.disk.resize(|| {
            let reported = self.config.capacity()?;
            let Some(Capacity { usable, rest }) = Capacity::new(reported, self.block_size) else {
                dev_err!(self.dev, "invalid capacity of {reported} sectors\n");
                return Err(EINVAL);
            };
            if rest != 0 && !self.rest_logged.swap(true, Ordering::Relaxed) {
                dev_warn!(
                    self.dev,
                    "ignoring {rest} sectors at the end, less than a block of {} bytes\n",
                    self.block_size
                );
            }
            Ok(usable)
        });
    }
}
