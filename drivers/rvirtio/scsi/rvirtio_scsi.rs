// SPDX-License-Identifier: GPL-2.0

//! Virtio SCSI host driver (virtio 1.4, 5.6 SCSI Host Device).
//!
//! The modules are listed from top to bottom. Each only imports from those below it:
//!
//! - [`driver`], [`setup`], [`data`]: setup and removal of a device, and the driver data.
//! - [`ops`]: the operations that the kernel calls.
//! - [`control`], [`events`], [`queue`]: the queues of a device.
//! - [`round`]: the targets that are looked at when events were lost.
//! - [`request`]: headers of commands, and what has become of them.
//! - [`config`], [`limits`]: the configuration that the device reports, and its checks.
//! - [`event`], [`lun`], [`response`], [`spec`]: what the device sends and gets.
//!
//! Unsafe code is in the `scsi_host` crate.
//!
//! C version: [`drivers/scsi/virtio_scsi.c`](srctree/drivers/scsi/virtio_scsi.c)

#![deny(unsafe_code)]

mod config;
mod control;
mod data;
mod driver;
mod event;
mod events;
mod limits;
mod lun;
mod ops;
mod queue;
mod request;
mod response;
mod round;
mod setup;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "also compiled for tests on the host"
)]
mod spec;

use driver::Scsi;

rvirtio::module_virtio_driver! {
    type: Scsi,
    name: "rvirtio_scsi",
    authors: ["rvirtio developers"],
    description: "Virtio SCSI host driver",
    license: "GPL",
    params: {
        num_request_queues: u32 {
            default: 0,
            description: "Largest number of request queues of a device, 0 for one for each CPU",
        },
        queue_depth: u32 {
            default: 0,
            description: "Largest number of commands in flight in a queue, 0 to fill its ring",
        },
        poll_queues: u32 {
            default: 0,
            description: "Number of request queues that are polled, at most all but one",
        },
    },
}
