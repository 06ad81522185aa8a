// SPDX-License-Identifier: GPL-2.0

//! What kind of device it is.

use rvirtio::{
    spec::feature,
    Features, //
};

/// The number of queues.
pub const QUEUES: usize = 4;

/// The interrupt line of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// There is none.
    None,
    /// It cannot be requested.
    Refused,
    /// It works.
    Works,
}

/// What a device offers, and what the machine has for it.
#[derive(Clone, Copy)]
pub struct Model {
    /// The features that the device offers.
    pub features: Features,
    /// The largest size of each queue.
    pub sizes: [u16; QUEUES],
    /// How many interrupt vectors can be allocated.
    pub vectors: u16,
    /// How many of these can be requested.
    pub requestable: u16,
    /// The interrupt line.
    pub line: Line,
    /// The generation of the configuration changes with each look at it.
    pub restless: bool,
    /// The device was unplugged: it reads as all ones.
    pub gone: bool,
}

impl Default for Model {
    /// Returns a device that can do all, with queues of 8.
    fn default() -> Self {
        Self {
            features: Features::of(&[feature::VERSION_1, feature::RING_RESET]),
            sizes: [8; QUEUES],
            vectors: 32,
            requestable: 32,
            line: Line::Works,
            restless: false,
            gone: false,
        }
    }
}
