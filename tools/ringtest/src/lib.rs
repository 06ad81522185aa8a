// SPDX-License-Identifier: GPL-2.0

//! Host tests of the parts of rvirtio that use only `core`.
//!
//! The kernel's own source files are compiled here, unchanged, under the paths that they have in
//! the kernel crates.

// The transport imports the core crate by this name.
extern crate self as rvirtio;

// What the kernel's files take from `core`, or from loom.
mod atomic {
    #[cfg(not(loom))]
    pub(crate) use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

    #[cfg(loom)]
    pub(crate) use loom::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};
}

#[path = "../../../drivers/rvirtio/core"]
mod core_files {
    pub mod ring;
    pub mod spec;
    // Brings its tests along.
    #[cfg(test)]
    #[allow(dead_code, unreachable_pub)]
    mod vectors;
}

#[cfg(test)]
#[allow(dead_code)]
#[path = "../../../drivers/rvirtio/core/device"]
mod device_files {
    mod budget;
}

#[path = "../../../drivers/rvirtio/core/init"]
mod init_files {
    pub mod negotiate;
    #[cfg(test)]
    #[allow(dead_code, unreachable_pub)]
    mod off;
}

#[path = "../../../drivers/rvirtio/core/config"]
mod config_files {
    pub mod access;
}

#[path = "../../../drivers/rvirtio/pci"]
mod pci_files {
    pub mod caps;
}

// The block driver's pure parts bring their tests along; nothing else here uses them.
#[allow(dead_code)]
#[path = "../../../drivers/rvirtio/blk"]
mod blk_files {
    #[cfg(test)]
    mod capacity;
    #[cfg(test)]
    mod completion;
    #[cfg(test)]
    mod limits;
    #[cfg(test)]
    mod ranges;
    pub mod spec;
    #[cfg(test)]
    mod topology;
    #[cfg(test)]
    mod used_length;
    #[cfg(test)]
    mod zones;
}

#[cfg(test)]
#[allow(dead_code, unreachable_pub)]
#[path = "../../../drivers/rvirtio/core/virtqueue/slab"]
mod slab_files {
    mod layout;
}

// So do those of the network driver.
#[allow(dead_code)]
#[path = "../../../drivers/rvirtio/net"]
mod net_files {
    pub(crate) mod caps;
    pub(crate) mod coalesce;
    pub(crate) mod device_stats;
    pub(crate) mod features;
    pub(crate) mod filter;
    pub(crate) mod limits;
    pub(crate) mod parse;
    pub(crate) mod rss;
    pub(crate) mod rx_gso;
    pub(crate) mod rx_hash;
    pub(crate) mod rx_header;
    pub(crate) mod rx_meta;
    pub(crate) mod rx_mode;
    pub mod spec;
    pub(crate) mod tx_header;
    pub(crate) mod watch;
}

// And of the driver of SCSI hosts.
#[cfg(test)]
#[allow(dead_code)]
#[path = "../../../drivers/rvirtio/scsi"]
mod scsi_files {
    mod event;
    mod limits;
    mod lun;
    mod response;
    mod round;
    #[allow(unreachable_pub)]
    mod spec;
}

#[cfg(test)]
#[allow(dead_code)]
#[path = "../../../drivers/rvirtio/blk_mq"]
mod blk_mq_files {
    mod letters;
}

pub mod hostile;
pub mod model;
#[cfg(not(test))]
pub mod net_header;
pub mod program;

pub use blk_files::spec as blk;
pub use config_files::access as config;
pub use core_files::{
    ring, spec,
    spec::feature::{Feature, Features},
};
pub use init_files::{negotiate, negotiate::Dependency};
pub use net_files::spec as net;
pub use pci_files::caps;
