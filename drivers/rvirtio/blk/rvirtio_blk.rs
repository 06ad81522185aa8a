// SPDX-License-Identifier: GPL-2.0

//! Virtio block device driver (virtio 1.4, 5.2 Block Device).
//!
//! The modules are listed from top to bottom. Each only imports from those below it:
//!
//! - [`driver`], [`setup`], [`data`]: setup and removal of a device, and the driver data.
//! - [`ops`]: the operations that the block layer calls, which are the hot path.
//! - [`report`]: reports of zones.
//! - [`sysfs`]: attributes of the disk.
//! - [`queue`]: hardware queues.
//! - [`request`], [`completion`]: headers and statuses of requests.
//! - [`lengths`], [`used_length`]: whether the reported length of a completed request is reliable.
//! - [`config`], [`limits`], [`ranges`], [`zones`], [`capacity`], [`topology`]: the
//!   configuration that the device reports, and its checks.
//! - [`spec`]: names and layouts of the specification.
//!
//! Unsafe code is in the `blk_mq` crate.
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
mod ranges;
mod report;
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
mod zones;

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
        poll_queues: u32 {
            default: 0,
            description: "Number of request queues that are polled, at most all but one",
        },
    },
}

rvirtio::string_param! {
    /// The prefix of disk names.
    static NAME_PREFIX: StringParam<16> = "name_prefix", b"vd";
    module: "rvirtio_blk",
    description: "Prefix of disk names: lowercase ASCII letters"
}

rvirtio::word_param! {
    /// Whether to rely on the lengths that devices report, see [`Policy`](used_length::Policy).
    static USED_LENGTH: WordParam = "used_length", &used_length::Policy::WORDS;
    module: "rvirtio_blk",
    description: "Whether to rely on used lengths of devices: auto, prepare, trust or strict"
}

rvirtio::features_off_param! {
    /// Features that are not accepted.
    pub(crate) static FEATURES_OFF = driver::NAMES;
    module: "rvirtio_blk"
}
