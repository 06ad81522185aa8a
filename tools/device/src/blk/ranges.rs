// SPDX-License-Identifier: GPL-2.0

//! Requests that name ranges of sectors: discard, write zeroes, secure erase (virtio 1.4, 5.2.6.1).

use super::{Disk, IOERR, OK, SECTOR, kind};
use crate::{
    breach::{Findings, require},
    faults::Treatment,
    spec::feature,
};

/// What the device allows: number and length of ranges, and their alignment, in sectors.
#[derive(Clone, Copy)]
pub struct Limits {
    pub sectors: u32,
    pub ranges: u32,
    pub alignment: u32,
}

pub const DISCARD: Limits = Limits { sectors: 8192, ranges: 16, alignment: 8 };
pub const ERASE: Limits = Limits { sectors: 2048, ranges: 4, alignment: 8 };
pub const ZEROES: Limits = Limits { sectors: 4096, ranges: 1, alignment: 1 };

/// The bytes of a range, and its flag.
const RANGE: usize = 16;
const UNMAP: u32 = 1;

/// What nobody has written: it is where something was discarded.
const NOTHING: u8 = 0xdd;

/// A type of request that names ranges.
pub struct Operation {
    pub feature: u32,
    limits: Limits,
    /// The requirement on the number of its ranges.
    count: &'static str,
    flags: u32,
    content: u8,
}

impl Operation {
    pub fn of(kind: u32) -> Option<Self> {
        let (feature, limits, count, flags, content) = match kind {
            kind::DISCARD => (feature::DISCARD, DISCARD, "BLK-13", 0, NOTHING),
            kind::WRITE_ZEROES => (feature::WRITE_ZEROES, ZEROES, "BLK-15", UNMAP, 0),
            kind::SECURE_ERASE => (feature::SECURE_ERASE, ERASE, "BLK-14", 0, NOTHING),
            _ => return None,
        };
        Some(Self { feature, limits, count, flags, content })
    }
}

impl Disk {
    /// Does what the request says, and returns its status.
    pub(super) fn change(
        &mut self,
        operation: &Operation,
        payload: &[u8],
        treatment: &Treatment,
        findings: &mut Findings,
    ) -> u8 {
        let Limits { sectors: longest, ranges: most, .. } = operation.limits;
        let whole = !payload.is_empty() && payload.len() % RANGE == 0;
        findings.check(require(whole, "BLK-11", || format!("{} bytes of ranges", payload.len())));
        let count = payload.len() / RANGE;
        findings.check(require(count <= most as usize, operation.count, || format!("{count} ranges")));
        self.most_ranges = self.most_ranges.max(count as u64);
        // A device that fails may have done anything.
        let done = if treatment.partial { count.div_ceil(2) } else { count };
        let mut status = if treatment.partial { IOERR } else { OK };
        for (index, range) in payload.chunks_exact(RANGE).enumerate() {
            let word = |at: usize| u32::from_le_bytes(range[at..at + 4].try_into().expect("four bytes"));
            let sector = u64::from(word(4)) << 32 | u64::from(word(0));
            let (sectors, flags) = (word(8), word(12));
            let fine = flags & !operation.flags == 0;
            findings.check(require(fine, "BLK-18", || format!("a range with the flags {flags:#x}")));
            let fine = (1..=longest).contains(&sectors);
            findings.check(require(fine, operation.count, || format!("a range of {sectors} sectors")));
            let len = u64::from(sectors) * SECTOR;
            let known = self.within(sector, len, findings);
            let at = sector.saturating_mul(SECTOR) as usize;
            match self.data.get_mut(at..at.saturating_add(len as usize)) {
                Some(place) if known && index < done => place.fill(operation.content),
                Some(_) if known => {}
                _ => status = IOERR,
            }
        }
        status
    }
}
