// SPDX-License-Identifier: GPL-2.0

//! Tests of the limits of requests that name ranges of sectors.

use super::*;

const USUAL: Reported = Reported {
    max_sectors: 4096,
    max_ranges: 16,
    alignment: 8,
};

fn discard(change: impl FnOnce(&mut Reported)) -> RangeLimits {
    discard_on(512, 0, change)
}

fn discard_on(block: u32, physical: u32, change: impl FnOnce(&mut Reported)) -> RangeLimits {
    let mut reported = USUAL;
    change(&mut reported);
    let reported = ReportedRanges {
        discard: Some(reported),
        ..ReportedRanges::default()
    };
    reported.limits(block, physical)
}

fn refused(reported: ReportedRanges, block: u32) -> Vec<&'static str> {
    reported.refused(&reported.limits(block, 0)).collect()
}

#[test]
fn without_features_nothing_is_offered() {
    let limits = ReportedRanges::default().limits(512, 4096);
    assert_eq!(
        (limits.discard, limits.secure_erase, limits.write_zeroes),
        (0, 0, 0)
    );
    assert!(refused(ReportedRanges::default(), 512).is_empty());
}

/// covers: BLK-13
#[test]
fn discards_have_the_limits_of_the_device() {
    let limits = discard(|_| ());
    assert_eq!((limits.discard, limits.discard_ranges), (4096, 16));
    assert_eq!(limits.granularity, 4096);
}

#[test]
fn zero_is_no_limit_of_lengths_and_one_range() {
    let limits = discard(|r| *r = Reported::default());
    assert_eq!((limits.discard, limits.discard_ranges), (u32::MAX, 1));
    assert_eq!(limits.granularity, 512);
    let zeroes = ReportedRanges {
        write_zeroes: Some(0),
        ..ReportedRanges::default()
    };
    assert_eq!(zeroes.limits(512, 0).write_zeroes, u32::MAX);
    assert_eq!(zeroes.limits(4096, 0).write_zeroes, u32::MAX - 7);
}

/// covers: BLK-13
#[test]
fn number_of_ranges_is_limited_by_both_sides() {
    for (reported, expected) in [(1, 1), (256, 256), (257, 256), (u32::MAX, 256)] {
        assert_eq!(
            discard(|r| r.max_ranges = reported).discard_ranges,
            expected
        );
    }
}

#[test]
fn impossible_alignments_are_ignored() {
    for alignment in [0, 1, 7, 4097, 0x80_0000, u32::MAX] {
        let limits = discard_on(4096, 0, |r| r.alignment = alignment);
        assert_eq!(limits.granularity, 4096, "{alignment}");
        assert_eq!(limits.discard, 4096);
    }
    assert_eq!(discard_on(4096, 0, |r| r.alignment = 16).granularity, 8192);
}

#[test]
fn lengths_are_whole_blocks() {
    assert_eq!(discard_on(4096, 0, |r| r.max_sectors = 4095).discard, 4088);
    assert_eq!(discard_on(4096, 0, |r| r.max_sectors = 7).discard, 0);
    assert_eq!(discard_on(4096, 0, |r| r.max_sectors = 8).discard, 8);
}

/// The block layer would not split them.
#[test]
fn discards_shorter_than_their_unit_are_not_offered() {
    assert_eq!(discard_on(512, 65536, |r| r.max_sectors = 127).discard, 0);
    assert_eq!(discard_on(512, 65536, |r| r.max_sectors = 128).discard, 128);
    let limits = discard(|r| {
        r.max_sectors = 4;
        r.alignment = 8;
    });
    assert_eq!((limits.discard, limits.granularity), (4, 512));
}

/// covers: BLK-14
#[test]
fn secure_erase_needs_all_of_its_limits() {
    let with = |change: fn(&mut Reported)| {
        let mut erase = USUAL;
        change(&mut erase);
        ReportedRanges {
            secure_erase: Some(erase),
            ..ReportedRanges::default()
        }
    };
    assert_eq!(with(|_| ()).limits(512, 0).secure_erase, 4096);
    assert!(refused(with(|_| ()), 512).is_empty());
    for nothing in [
        with(|r| r.max_sectors = 0),
        with(|r| r.max_ranges = 0),
        with(|r| *r = Reported::default()),
    ] {
        assert_eq!(nothing.limits(512, 0).secure_erase, 0);
        assert_eq!(refused(nothing, 512), ["SECURE_ERASE"]);
    }
}

#[test]
fn secure_erases_shorter_than_the_unit_of_discards_are_not_offered() {
    let reported = ReportedRanges {
        discard: Some(Reported {
            alignment: 64,
            ..USUAL
        }),
        secure_erase: Some(Reported {
            max_sectors: 32,
            max_ranges: 1,
            alignment: 0,
        }),
        write_zeroes: Some(1),
    };
    let limits = reported.limits(512, 0);
    assert_eq!((limits.discard, limits.secure_erase), (4096, 0));
    assert_eq!(refused(reported, 4096), ["SECURE_ERASE", "WRITE_ZEROES"]);
}

/// Whatever a device reports: no request is larger than it allows, and each is a whole number of
/// blocks.
#[test]
fn no_value_makes_a_limit_larger_than_reported() {
    let values = [0, 1, 7, 8, 9, 255, 256, 0x7f_ffff, 0x80_0000, u32::MAX];
    for block in [512, 4096, 65536] {
        for physical in [0, block, 65536, 1 << 30] {
            for max_sectors in values {
                for alignment in values {
                    let limits = discard_on(block, physical, |r| {
                        r.max_sectors = max_sectors;
                        r.alignment = alignment;
                    });
                    let sectors = block / SECTOR_SIZE;
                    assert!(limits.granularity >= block);
                    assert_eq!(limits.granularity % block, 0);
                    assert_eq!(limits.discard % sectors, 0);
                    if limits.discard > 0 {
                        assert!(max_sectors == 0 || limits.discard <= max_sectors);
                        assert!(limits.discard >= limits.granularity.max(physical) / SECTOR_SIZE);
                    }
                }
            }
        }
    }
}
