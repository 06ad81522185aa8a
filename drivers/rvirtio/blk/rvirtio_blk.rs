// SPDX-License-Identifier: GPL-2.0

//! Virtio block device driver (virtio 1.4, 5.2 Block Device).
//!
//! From top to bottom, each with imports from those below it only:
//!
//! - [`driver`], [`setup`], [`data`]: set-up and removal of a device, and what it has in between.
//! - [`ops`]: what the block layer calls, which is the hot path.
//! - [`sysfs`]: attributes of the disk.
//! - [`queue`]: hardware queues.
//! - [`request`], [`completion`]: headers and statuses of requests.
//! - [`lengths`], [`used_length`]: what the length that comes with an answer is worth.
//! - [`config`], [`limits`], [`capacity`], [`topology`]: what the device says about itself, and what
//!   of that is possible.
//! - [`spec`]: names and layouts of the specification.
//!
//! What the compiler cannot check is in the `blk_mq` crate.
//!
//! C version: [`drivers/block/virtio_blk.c`](srctree/drivers/block/virtio_blk.c)

#![deny(unsafe_code)]

mod capacity;
mod completion;
mod config;
mod data;
mod driver;
mod lengths;
mod limits;
mod ops;
mod queue;
mod request;
mod setup;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "also compiled for tests on the host"
)]
mod spec;
mod sysfs;
mod topology;
mod used_length;

use driver::Blk;

rvirtio::module_virtio_driver! {
    type: Blk,
    name: "rvirtio_blk",
    authors: ["rvirtio developers"],
    description: "Virtio block device driver",
    license: "GPL",
    params: {
        num_request_queues: u32 {
            default: 0,
            description: "Largest number of request queues of a device, 0 for one for each CPU",
        },
        queue_depth: u32 {
            default: 0,
            description: "Largest number of requests in flight in a queue, 0 to fill its ring",
        },
    },
}

blk_mq::string_param! {
    /// What the names of disks start with.
    static NAME_PREFIX: StringParam<16> = "name_prefix", b"vd";
    module: "rvirtio_blk",
    description: "What disk names start with, if not vd"
}

blk_mq::word_param! {
    /// What to make of the lengths that devices report: [`Policy`](used_length::Policy).
    static USED_LENGTH: WordParam = "used_length", &used_length::Policy::WORDS;
    module: "rvirtio_blk",
    description: "What the used lengths of devices are worth: auto, prepare, trust or strict"
}
