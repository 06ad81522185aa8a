// SPDX-License-Identifier: GPL-2.0

//! Host tests of the parts of rvirtio that use only `core`.
//!
//! The kernel's own source files are compiled here, unchanged, under the paths that they have in
//! the kernel crates.

#[path = "../../../drivers/rvirtio/core"]
mod rvirtio {
    pub mod features;
    pub mod ring;
    pub mod spec;
}

pub use rvirtio::{features, ring, spec};
