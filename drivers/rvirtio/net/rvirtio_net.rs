// SPDX-License-Identifier: GPL-2.0

//! Virtio network device driver (virtio 1.4, 5.1 Network Device).
//!
//! - [`driver`], [`setup`], [`data`]: set-up and removal of a device, and what there is for it.
//! - [`config`], [`limits`], [`features`], [`caps`]: what the device says about itself, and what
//!   was agreed on.
//! - [`spec`]: names and layouts of the specification.
//! - [`ops`], [`pairs`]: opening, closing and polling of an interface, and of how many of its queues.
//! - [`receive`], [`assemble`], [`deliver`], [`dropped`]: receiving frames.
//! - [`rx`], [`refill`], [`rx_mode`], [`rings`]: buffers for them, and sizes of rings.
//! - [`rx_header`], [`rx_gso`], [`rx_meta`], [`rx_hash`], [`parse`]: checking their headers.
//! - [`tx`], [`tx_header`], [`watch`]: sending.
//! - [`xdp`], [`xdp_rx`], [`xdp_tx`]: programs that look at received frames.
//! - [`control`], [`desired`], [`filter`], [`rss`], [`coalesce`]: commands, and what they set.
//! - [`counters`], [`device_stats`], [`stats`]: what is counted, by the driver and by the device.
//!
//! What the compiler cannot check is in the `netdev` crate.
//!
//! C version: [`drivers/net/virtio_net.c`](srctree/drivers/net/virtio_net.c)

#![deny(unsafe_code)]

mod assemble;
mod caps;
mod coalesce;
mod config;
mod control;
mod counters;
mod data;
mod deliver;
mod desired;
mod device_stats;
mod driver;
mod dropped;
mod features;
mod filter;
mod limits;
mod ops;
mod pairs;
mod parse;
mod receive;
mod refill;
mod resize;
mod rings;
mod rss;
mod rx;
mod rx_gso;
mod rx_hash;
mod rx_header;
mod rx_meta;
mod rx_mode;
mod setup;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "also compiled for tests on the host"
)]
mod spec;
mod stats;
mod tx;
mod tx_header;
mod watch;
mod xdp;
mod xdp_rx;
mod xdp_tx;
mod xsk;
mod xsk_rx;
mod xsk_tx;

use driver::Net;

rvirtio::module_virtio_driver! {
    type: Net,
    name: "rvirtio_net",
    authors: ["rvirtio developers"],
    description: "Virtio network device driver",
    license: "GPL",
    params: {
        csum: u8 {
            default: 1,
            description: "Whether checksums are left to the device at first",
        },
        gso: u8 {
            default: 1,
            description: "Whether segmentation of TCP is left to the device at first",
        },
        napi_weight: u32 {
            default: 64,
            description: "Number of frames that a poll receives at most",
        },
    },
}

rvirtio::features_off_param! {
    /// Features that are not accepted.
    pub(crate) static FEATURES_OFF = spec::feature::NAMES;
    module: "rvirtio_net"
}
