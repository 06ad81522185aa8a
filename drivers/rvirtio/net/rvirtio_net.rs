// SPDX-License-Identifier: GPL-2.0

//! Virtio network device driver (virtio 1.4, 5.1 Network Device).
//!
//! - [`driver`], [`setup`]: set-up and removal of a device.
//! - [`config`], [`limits`], [`features`], [`caps`]: what the device says about itself, and what
//!   was agreed on.
//! - [`spec`]: names and layouts of the specification.
//! - [`ops`]: opening, closing and polling of an interface.
//! - [`rx`], [`refill`], [`rx_mode`], [`rx_header`], [`parse`]: receiving.
//! - [`tx`], [`tx_header`]: sending.
//! - [`counters`]: what is counted.
//!
//! What the compiler cannot check is in the `netdev` crate.
//!
//! C version: [`drivers/net/virtio_net.c`](srctree/drivers/net/virtio_net.c)

#![deny(unsafe_code)]

mod caps;
mod config;
mod counters;
mod driver;
mod features;
mod limits;
mod ops;
mod parse;
mod refill;
mod rx;
mod rx_header;
mod rx_mode;
mod setup;
#[allow(
    dead_code,
    unreachable_pub,
    reason = "also compiled for tests on the host"
)]
mod spec;
mod tx;
mod tx_header;

use driver::Net;

rvirtio::module_virtio_driver! {
    type: Net,
    name: "rvirtio_net",
    authors: ["rvirtio developers"],
    description: "Virtio network device driver",
    license: "GPL",
}
