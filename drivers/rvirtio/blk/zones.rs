// SPDX-License-Identifier: GPL-2.0

//! Zones of a disk that can only be written in order: their limits, computed from what the device
//! reports, and their descriptions in a report. Tested on the host.
//!
//! The block layer trusts a driver with both, and allocates memory for all zones, and for all that can be
//! open. So devices with impossible values are refused.

use super::spec::{
    zone,
    SECTOR_SIZE, //
};
use core::fmt;

/// The largest number of zones: the block layer allocates a byte for each, contiguously.
const MAX_ZONES: u64 = 1 << 20;

/// The largest limit of open or active zones that is passed on: the block layer allocates memory for as
/// many in advance.
const MAX_OPEN: u32 = 8192;

/// What a device reports about its zones. Lengths are in 512-byte sectors.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReportedZones {
    pub(crate) model: u8,
    /// The size of a zone.
    pub(crate) sectors: u32,
    /// The largest number of zones that are open, 0 for any.
    pub(crate) max_open: u32,
    /// The largest number of zones that are open or closed, 0 for any.
    pub(crate) max_active: u32,
    /// The largest request that appends to a zone.
    pub(crate) max_append: u32,
    /// The unit of writes in bytes.
    pub(crate) granularity: u32,
}

/// The resulting limits. Lengths are in 512-byte sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ZoneLimits {
    /// The size of a zone, a power of two.
    pub(crate) sectors: u32,
    /// The largest number of zones that are open, 0 for any.
    pub(crate) max_open: u32,
    /// The largest number of zones that are open or closed, 0 for any.
    pub(crate) max_active: u32,
    /// The unit of writes in bytes, a power of two.
    pub(crate) granularity: u32,
}

/// A reason why a device with zones cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZonesError {
    /// The model is not known.
    Model(u8),
    /// The size of a zone is not a power of two.
    Sectors(u32),
    /// There are too many zones.
    TooMany(u64),
    /// The unit of writes is not a power of two, or larger than a zone.
    Granularity(u32),
    /// The largest append is smaller than the unit of writes.
    Append(u32),
}

impl fmt::Display for ZonesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Model(n) => write!(f, "unknown zone model {n}"),
            Self::Sectors(n) => write!(f, "invalid zone size of {n} sectors"),
            Self::TooMany(n) => write!(f, "too many zones ({n})"),
            Self::Granularity(n) => write!(f, "invalid write granularity {n}"),
            Self::Append(n) => write!(f, "invalid zone append limit of {n} sectors"),
        }
    }
}

impl ReportedZones {
    /// Returns the limits for a disk of `capacity` sectors with logical blocks of `block` bytes, or
    /// `None` if it can be used without regard to zones.
    #[doc(alias = "virtblk_read_zoned_limits")]
    pub(crate) fn check(
        &self,
        capacity: u64,
        block: u32,
    ) -> Result<Option<ZoneLimits>, ZonesError> {
        match self.model {
            // As in C: a host-aware device takes writes anywhere.
            zone::MODEL_NONE | zone::MODEL_HOST_AWARE => return Ok(None),
            zone::MODEL_HOST_MANAGED => (),
            model => return Err(ZonesError::Model(model)),
        }
        let Self {
            sectors,
            granularity,
            ..
        } = *self;
        // The specification allows other sizes, but the block layer does not.
        if !sectors.is_power_of_two() {
            return Err(ZonesError::Sectors(sectors));
        }
        let zones = capacity.div_ceil(sectors.into());
        if zones > MAX_ZONES {
            return Err(ZonesError::TooMany(zones));
        }
        let unit = granularity / SECTOR_SIZE;
        if !granularity.is_power_of_two() || granularity < block || unit > sectors {
            return Err(ZonesError::Granularity(granularity));
        }
        if self.max_append < unit {
            return Err(ZonesError::Append(self.max_append));
        }
        // A limit that cannot be reached is none.
        let limit = |n: u32| {
            if u64::from(n) < zones {
                n.min(MAX_OPEN)
            } else {
                0
            }
        };
        let (max_open, max_active) = (limit(self.max_open), limit(self.max_active));
        Ok(Some(ZoneLimits {
            sectors,
            // Open zones are active.
            max_open: match max_active {
                0 => max_open,
                _ => max_open.min(max_active),
            },
            max_active,
            granularity,
        }))
    }
}

/// A zone. Sizes and positions are in 512-byte sectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Zone {
    pub(crate) start: u64,
    pub(crate) len: u64,
    /// How much can be written.
    pub(crate) capacity: u64,
    /// Where the next write has to be, `u64::MAX` if there is none.
    pub(crate) write_pointer: u64,
    /// See [`zone`].
    pub(crate) kind: u8,
    pub(crate) state: u8,
}

/// What is wrong with the description of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ZoneError {
    Start(u64),
    Capacity(u64),
    WritePointer(u64),
    Kind(u8),
    State(u8),
}

impl fmt::Display for ZoneError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(n) => write!(f, "begins at sector {n}"),
            Self::Capacity(n) => write!(f, "invalid capacity of {n} sectors"),
            Self::WritePointer(n) => write!(f, "invalid write pointer {n}"),
            Self::Kind(n) => write!(f, "invalid type {n}"),
            Self::State(n) => write!(f, "invalid state {n}"),
        }
    }
}

impl Zone {
    /// Parses the description of the zone at `start` of a disk of `disk` sectors, which is larger than
    /// that, with zones of `sectors`.
    #[doc(alias = "virtblk_parse_zone")]
    pub(crate) fn parse(
        bytes: &[u8; zone::DESCRIPTOR],
        start: u64,
        sectors: u32,
        disk: u64,
    ) -> Result<Self, ZoneError> {
        let len = u64::from(sectors).min(disk.saturating_sub(start));
        let [capacity, reported, pointer] =
            [zone::CAPACITY, zone::START, zone::WRITE_POINTER].map(|at| read_u64(bytes, at));
        let (kind, state) = (bytes[zone::TYPE], bytes[zone::STATE]);
        if reported != start {
            return Err(ZoneError::Start(reported));
        }
        if capacity == 0 || capacity > len {
            return Err(ZoneError::Capacity(capacity));
        }
        if !(zone::CONVENTIONAL..=zone::SEQUENTIAL_PREFERRED).contains(&kind) {
            return Err(ZoneError::Kind(kind));
        }
        // Only a conventional zone has no write pointer.
        if (kind == zone::CONVENTIONAL) != (state == zone::NOT_WP) {
            return Err(ZoneError::State(state));
        }
        let write_pointer = match state {
            zone::NOT_WP | zone::READ_ONLY | zone::OFFLINE => u64::MAX,
            zone::EMPTY => start,
            zone::FULL => start.saturating_add(len),
            zone::IMPLICITLY_OPEN | zone::EXPLICITLY_OPEN | zone::CLOSED => {
                if !(start..=start.saturating_add(capacity)).contains(&pointer) {
                    return Err(ZoneError::WritePointer(pointer));
                }
                pointer
            }
            _ => return Err(ZoneError::State(state)),
        };
        Ok(Self {
            start,
            len,
            capacity,
            write_pointer,
            kind,
            state,
        })
    }
}

/// Returns the number of zones that a report claims to have.
pub(crate) fn reported_zones(report: &[u8]) -> u64 {
    report
        .first_chunk()
        .map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn read_u64(bytes: &[u8; zone::DESCRIPTOR], at: usize) -> u64 {
    let field = bytes.get(at..).and_then(<[u8]>::first_chunk);
    field.map_or(0, |field| u64::from_le_bytes(*field))
}

#[cfg(test)]
mod tests;
