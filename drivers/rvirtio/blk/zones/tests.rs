// SPDX-License-Identifier: GPL-2.0

use super::*;

const GOOD: ReportedZones = ReportedZones {
    model: zone::MODEL_HOST_MANAGED,
    sectors: 2048,
    max_open: 8,
    max_active: 12,
    max_append: 1024,
    granularity: 4096,
};

const CAPACITY: u64 = 64 * 2048;

fn check(change: impl FnOnce(&mut ReportedZones)) -> Result<Option<ZoneLimits>, ZonesError> {
    let mut reported = GOOD;
    change(&mut reported);
    reported.check(CAPACITY, 512)
}

#[test]
fn limits_are_those_of_the_device() {
    let limits = ZoneLimits {
        sectors: 2048,
        max_open: 8,
        max_active: 12,
        granularity: 4096,
    };
    assert_eq!(check(|_| ()), Ok(Some(limits)));
}

#[test]
fn only_host_managed_devices_have_zones() {
    assert_eq!(check(|r| r.model = zone::MODEL_NONE), Ok(None));
    assert_eq!(check(|r| r.model = zone::MODEL_HOST_AWARE), Ok(None));
    for model in 3..=u8::MAX {
        assert_eq!(check(|r| r.model = model), Err(ZonesError::Model(model)));
    }
}

#[test]
fn impossible_values_are_refused() {
    for sectors in [0, 1000, 2049, u32::MAX] {
        let error = ZonesError::Sectors(sectors);
        assert_eq!(check(|r| r.sectors = sectors), Err(error));
    }
    for granularity in [0, 1, 256, 513, 4096 * 512, u32::MAX] {
        let error = ZonesError::Granularity(granularity);
        assert_eq!(check(|r| r.granularity = granularity), Err(error));
    }
    for append in [0, 7] {
        let error = ZonesError::Append(append);
        assert_eq!(check(|r| r.max_append = append), Err(error));
    }
    let too_many = GOOD.check(u64::MAX >> 9, 512);
    assert!(matches!(too_many, Err(ZonesError::TooMany(_))));
}

/// The block layer allocates memory for as many zones as can be open.
#[test]
fn number_of_open_zones_is_limited() {
    let limits = |open, active| {
        let limits = check(|r| (r.max_open, r.max_active) = (open, active));
        let limits = limits.unwrap().unwrap();
        (limits.max_open, limits.max_active)
    };
    assert_eq!(limits(u32::MAX, u32::MAX), (0, 0));
    assert_eq!(limits(64, 63), (0, 63));
    assert_eq!(limits(20, 10), (10, 10));
    assert_eq!(limits(20, 0), (20, 0));
    let mut many = GOOD;
    (many.sectors, many.max_open, many.max_active) = (8, 100_000, 100_000);
    let limits = many.check(8 << 20, 512).unwrap().unwrap();
    assert_eq!((limits.max_open, limits.max_active), (MAX_OPEN, MAX_OPEN));
}

fn describe(capacity: u64, start: u64, pointer: u64, kind: u8, state: u8) -> [u8; 64] {
    let mut bytes = [0; 64];
    bytes[..8].copy_from_slice(&capacity.to_le_bytes());
    bytes[8..16].copy_from_slice(&start.to_le_bytes());
    bytes[16..24].copy_from_slice(&pointer.to_le_bytes());
    (bytes[24], bytes[25]) = (kind, state);
    bytes
}

fn parse(capacity: u64, start: u64, pointer: u64, kind: u8, state: u8) -> Result<Zone, ZoneError> {
    let bytes = describe(capacity, start, pointer, kind, state);
    Zone::parse(&bytes, 2048, 2048, 5000)
}

#[test]
fn zones_are_described() {
    let open = Zone {
        start: 2048,
        len: 2048,
        capacity: 2000,
        write_pointer: 2050,
        kind: zone::SEQUENTIAL_REQUIRED,
        state: zone::IMPLICITLY_OPEN,
    };
    assert_eq!(parse(2000, 2048, 2050, 2, 2), Ok(open));
    let pointer = |kind, state| parse(2000, 2048, 7, kind, state).map(|z| z.write_pointer);
    assert_eq!(pointer(1, 0), Ok(u64::MAX));
    assert_eq!(pointer(2, 1), Ok(2048));
    assert_eq!(pointer(2, 13), Ok(u64::MAX));
    assert_eq!(pointer(2, 14), Ok(4096));
    assert_eq!(pointer(2, 15), Ok(u64::MAX));
    // The last zone can be smaller.
    let last = Zone::parse(&describe(904, 4096, 0, 2, 1), 4096, 2048, 5000);
    assert_eq!(last.unwrap().len, 904);
}

#[test]
fn lies_are_noticed() {
    for start in [0, 2047, 4096, u64::MAX] {
        assert_eq!(parse(2000, start, 2048, 2, 1), Err(ZoneError::Start(start)));
    }
    for capacity in [0, 2049, u64::MAX] {
        let error = ZoneError::Capacity(capacity);
        assert_eq!(parse(capacity, 2048, 2048, 2, 1), Err(error));
    }
    for pointer in [0, 2047, 4049, u64::MAX] {
        for state in 2..=4 {
            let error = ZoneError::WritePointer(pointer);
            assert_eq!(parse(2000, 2048, pointer, 2, state), Err(error));
        }
    }
    for kind in [0, 4, 255] {
        assert_eq!(parse(2000, 2048, 2048, kind, 1), Err(ZoneError::Kind(kind)));
    }
    for state in (5..13).chain([0, 16, 255]) {
        let error = ZoneError::State(state);
        assert_eq!(parse(2000, 2048, 2048, 2, state), Err(error));
    }
    assert_eq!(parse(2000, 2048, 2048, 1, 1), Err(ZoneError::State(1)));
}

#[test]
fn number_of_zones_may_be_missing() {
    assert_eq!(reported_zones(&[]), 0);
    assert_eq!(reported_zones(&[1; 7]), 0);
    assert_eq!(reported_zones(&[255; 64]), u64::MAX);
}
