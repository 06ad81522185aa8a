// SPDX-License-Identifier: GPL-2.0

//! The limits of requests that name ranges of sectors: discard, secure erase, write zeroes. Computed
//! from what the device reports, and tested on the host.
//!
//! An operation is only offered to the block layer if it never makes a request that is larger than
//! the device allows. Alignments are hints, which are ignored if they are impossible.

use super::spec::SECTOR_SIZE;

/// The largest number of ranges of a discard, as in C: their payload fits into a page.
#[doc(alias = "MAX_DISCARD_SEGMENTS")]
const MAX_RANGES: u32 = 256;

/// What a device reports about an operation. Lengths are in 512-byte sectors.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Reported {
    /// The largest length of a range.
    pub(crate) max_sectors: u32,
    /// The largest number of ranges.
    pub(crate) max_ranges: u32,
    /// The alignment of ranges.
    pub(crate) alignment: u32,
}

/// What a device reports about all operations; `None` without the feature.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ReportedRanges {
    pub(crate) discard: Option<Reported>,
    pub(crate) secure_erase: Option<Reported>,
    /// The largest length of a range in 512-byte sectors.
    pub(crate) write_zeroes: Option<u32>,
}

/// The resulting limits. Lengths are in 512-byte sectors, 0 if the operation is not offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeLimits {
    pub(crate) discard: u32,
    /// The largest number of ranges of a discard.
    pub(crate) discard_ranges: u16,
    /// The unit of discards in bytes.
    pub(crate) granularity: u32,
    pub(crate) secure_erase: u32,
    pub(crate) write_zeroes: u32,
}

impl ReportedRanges {
    /// Returns the limits for a disk with logical blocks of `block` bytes, and physical blocks of
    /// `physical` bytes, or 0 if these are not known.
    pub(crate) fn limits(&self, block: u32, physical: u32) -> RangeLimits {
        let whole = |sectors: u32| sectors - sectors.checked_rem(block / SECTOR_SIZE).unwrap_or(0);
        // As in C: without a limit any length is possible.
        let or_any = |sectors| if sectors == 0 { u32::MAX } else { sectors };
        let discard = self.discard.map(|r| whole(or_any(r.max_sectors)));
        let discard = discard.unwrap_or(0);
        // Here C refuses the whole disk if anything is 0.
        let erase = self.secure_erase.filter(|r| r.max_ranges > 0);
        let erase = erase.map_or(0, |r| whole(r.max_sectors));

        // The block layer aligns discards, and secure erases if there are discards, to the larger
        // of both, and does not split a request whose limit is smaller.
        let granularity = self.granularity(block, discard);
        let unit = granularity.max(physical) / SECTOR_SIZE;
        let discard = if discard < unit { 0 } else { discard };
        let erase = if discard > 0 && erase < unit {
            0
        } else {
            erase
        };
        let ranges = self.discard.map_or(0, |r| r.max_ranges);
        RangeLimits {
            discard,
            // CAST: At most `MAX_RANGES`.
            discard_ranges: ranges.clamp(1, MAX_RANGES) as u16,
            granularity,
            secure_erase: erase,
            write_zeroes: self.write_zeroes.map_or(0, |n| whole(or_any(n))),
        }
    }

    /// Returns the smallest possible alignment of discards and secure erases in bytes.
    fn granularity(&self, block: u32, max_sectors: u32) -> u32 {
        let possible = |r: Reported| {
            let bytes = r.alignment.checked_mul(SECTOR_SIZE)?;
            let fits = r.alignment <= max_sectors && bytes.checked_rem(block) == Some(0);
            (bytes > 0 && fits).then_some(bytes)
        };
        let alignments = [self.discard, self.secure_erase];
        let smallest = alignments.into_iter().flatten().filter_map(possible).min();
        smallest.unwrap_or(block)
    }

    /// Returns the names of the operations that the device has, and that `limits` do not offer.
    pub(crate) fn refused(&self, limits: &RangeLimits) -> impl Iterator<Item = &'static str> {
        let operations = [
            ("DISCARD", self.discard.is_some(), limits.discard),
            (
                "SECURE_ERASE",
                self.secure_erase.is_some(),
                limits.secure_erase,
            ),
            (
                "WRITE_ZEROES",
                self.write_zeroes.is_some(),
                limits.write_zeroes,
            ),
        ];
        operations
            .into_iter()
            .filter_map(|(name, reported, limit)| (reported && limit == 0).then_some(name))
    }
}

#[cfg(test)]
mod tests;
