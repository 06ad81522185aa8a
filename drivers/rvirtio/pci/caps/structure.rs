// SPDX-License-Identifier: GPL-2.0

//! The structures of a device, and what can be wrong with them.

use core::fmt;
use rvirtio::spec::pci::{
    cap,
    common, //
};

/// A kind of virtio structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// Common configuration.
    Common,
    /// Notifications.
    Notify,
    /// ISR status.
    Isr,
    /// Device configuration.
    Device,
}

/// The reason why a structure cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    /// There is no capability for it.
    Missing,
    /// Its capability is shorter than the specification requires.
    CapabilityTooShort,
    /// It is in a BAR that does not exist or is not memory.
    NoMemoryBar,
    /// It extends past the end of its BAR.
    OutsideBar,
    /// It is not aligned as required.
    Misaligned,
    /// It is too short for its fields.
    TooShort,
}

/// The reason why the layout of a device cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// The function does not respond to configuration space reads.
    Unreadable,
    /// The function has no capability list.
    NoCapabilities,
    /// No instance of a structure can be used; the defect is that of the first instance.
    Structure(Structure, Defect),
    /// Two structures overlap.
    Overlap(Structure, Structure),
}

impl Structure {
    /// Returns the length of the shortest valid capability in bytes.
    pub(super) fn capability_len_min(self) -> u8 {
        match self {
            Self::Notify => cap::NOTIFY_LEN_MIN,
            Self::Common | Self::Isr | Self::Device => cap::LEN_MIN,
        }
    }

    /// Returns the required alignment and the shortest valid length in bytes.
    pub(super) fn requirements(self) -> (u32, u32) {
        match self {
            // CAST: a small constant.
            Self::Common => (4, common::SIZE_MIN as u32),
            Self::Notify => (2, 2),
            Self::Isr => (1, 1),
            // The required length depends on the device type and on features.
            Self::Device => (4, 1),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Common => "common configuration",
            Self::Notify => "notification",
            Self::Isr => "ISR status",
            Self::Device => "device configuration",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable => f.write_str("failed to read configuration space"),
            Self::NoCapabilities => f.write_str("no capability list"),
            Self::Structure(structure, defect) => {
                write!(f, "{} structure {}", structure.name(), defect.text())
            }
            Self::Overlap(a, b) => {
                write!(f, "{} and {} structures overlap", a.name(), b.name())
            }
        }
    }
}

impl Defect {
    fn text(self) -> &'static str {
        match self {
            Self::Missing => "is missing",
            Self::CapabilityTooShort => "has a capability that is too short",
            Self::NoMemoryBar => "is not in a memory BAR",
            Self::OutsideBar => "extends past the end of its BAR",
            Self::Misaligned => "is not aligned",
            Self::TooShort => "is too short",
        }
    }
}
