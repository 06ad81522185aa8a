// SPDX-License-Identifier: GPL-2.0

//! KUnit tests: what needs no device, and the life of a device in software.
//!
//! Rings, negotiation and capabilities are tested on the host as well, with more input
//! ([`tools/ringtest`](srctree/tools/ringtest)). What is added here is the kernel: its compiler
//! flags, its allocator under KASAN, its endianness. How core brings devices up and stops them is
//! tested with the device of the crate `mock`, which fails at each step in turn.
//!
//! Loading the module runs the tests; the results are in the log, as KTAP.

#![deny(unsafe_code)]

// Parts of other modules that need nothing of these.
#[allow(dead_code, unreachable_pub)]
#[path = "../pci"]
mod pci_files {
    pub(crate) mod caps;
}
#[allow(dead_code)]
#[path = "../blk"]
mod blk_files {
    pub(crate) mod capacity;
    pub(crate) mod completion;
    pub(crate) mod limits;
    pub(crate) mod ranges;
    #[allow(unreachable_pub)]
    pub(crate) mod spec;
    pub(crate) mod topology;
    pub(crate) mod zones;
}
#[allow(dead_code, unreachable_pub)]
#[path = "../net"]
mod net_files {
    pub(crate) mod spec;
}

mod bring_up;
mod busy;
mod capabilities;
mod cut_off;
mod ensure;
mod front;
mod interrupts;
// What the tests on the host also use.
#[allow(dead_code, unreachable_pub)]
mod model;
mod negotiation;
mod net;
mod net_coalesce;
mod queue_reset;
mod request;
mod restart;
mod ring;
mod stop;
mod unconfirmed_reset;

use self::front::FrontDriver;
use kernel::{
    driver,
    prelude::*,
    InPlaceModule,
    ModuleMetadata, //
};
use rvirtio::Adapter;

module! {
    type: Tests,
    name: "rvirtio_kunit",
    authors: ["rvirtio developers"],
    description: "KUnit tests of rvirtio",
    license: "GPL",
}

/// The driver of the device in software.
#[pin_data]
struct Tests {
    #[pin]
    _driver: driver::Registration<Adapter<FrontDriver>>,
}

impl InPlaceModule for Tests {
    fn init(module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _driver <- driver::Registration::new(<Self as ModuleMetadata>::NAME, module),
        })
    }
}
