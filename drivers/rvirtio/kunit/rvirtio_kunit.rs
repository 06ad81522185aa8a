// SPDX-License-Identifier: GPL-2.0

//! KUnit tests: the parts of rvirtio that need no device, in the kernel that they are made for.
//!
//! On the host the same code is tested with more input ([`tools/ringtest`](srctree/tools/ringtest)).
//! What is added here is the kernel: its compiler flags, its allocator under KASAN, its endianness.
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
    #[allow(unreachable_pub)]
    pub(crate) mod spec;
    pub(crate) mod topology;
}

mod capabilities;
// What the tests on the host also use.
#[allow(dead_code, unreachable_pub)]
mod model;
mod negotiation;
mod request;
mod ring;

use kernel::prelude::*;

module! {
    type: Tests,
    name: "rvirtio_kunit",
    authors: ["rvirtio developers"],
    description: "KUnit tests of rvirtio",
    license: "GPL",
}

struct Tests;

impl kernel::Module for Tests {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
