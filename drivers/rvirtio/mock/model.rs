// SPDX-License-Identifier: GPL-2.0

//! The model of the device.

use rvirtio::{
    spec::feature,
    Features, //
};

/// The number of queues.
pub const QUEUES: usize = 4;

/// The interrupt line of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// There is no line.
    None,
    /// The line cannot be requested.
    Refused,
    /// The line works.
    Works,
}

/// The properties of a device, and its interrupts.
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
    /// Whether the generation of the configuration changes with each read.
    pub restless: bool,
    /// Whether the device was unplugged: it reads as all ones.
    pub gone: bool,
}

impl Default for Model {
    /// Returns a device with all features, and queues of size 8.
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
