// SPDX-License-Identifier: GPL-2.0

//! Zones, which are written in order (virtio 1.4, 5.2.6, Zoned Block Devices).

use super::{IOERR, OK, SECTOR, kind};

const INVALID_CMD: u8 = 3;
const UNALIGNED_WP: u8 = 4;
const OPEN_RESOURCE: u8 = 5;
const ACTIVE_RESOURCE: u8 = 6;

/// How many zones can be open, and how many open or closed.
pub const MAX_OPEN: u32 = 6;
pub const MAX_ACTIVE: u32 = 8;
/// The unit of writes in bytes.
pub const GRANULARITY: u32 = 4096;

/// So many zones at the beginning can be written anywhere.
const CONVENTIONAL: usize = 2;

/// The bytes of the head of a report, and of a zone in it.
const DESCRIPTOR: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    NotWp = 0,
    Empty = 1,
    Implicit = 2,
    Explicit = 3,
    Closed = 4,
    Full = 14,
}

#[derive(Clone, Copy, Debug)]
struct Zone {
    state: State,
    /// Sectors that are written.
    written: u64,
}

/// The zones of a disk. All have the same size.
pub struct Zones {
    /// In sectors.
    pub size: u64,
    zones: Vec<Zone>,
    /// What reports say instead of the truth.
    pub lie: Option<u8>,
}

impl Zones {
    /// The zones of a disk of `capacity` sectors; `size` is in sectors too.
    pub fn new(capacity: u64, size: u64) -> Self {
        let mut zones = vec![Zone { state: State::Empty, written: 0 }; capacity.div_ceil(size) as usize];
        zones.iter_mut().take(CONVENTIONAL).for_each(|zone| zone.state = State::NotWp);
        Self { size, zones, lie: None }
    }

    /// How much of a zone can be written: not all of it.
    pub fn capacity(&self) -> u64 {
        self.size - self.size / 8
    }

    /// What is written in the zones that hold these sectors, and whether they may be.
    pub fn write(&mut self, sector: u64, sectors: u64) -> u8 {
        let Some(index) = self.index(sector) else { return IOERR };
        if self.zones[index].state == State::NotWp {
            let last = sector.saturating_add(sectors.saturating_sub(1));
            let all = self.index(last).is_some_and(|last| self.zones[last].state == State::NotWp);
            return if all { OK } else { INVALID_CMD };
        }
        let (start, capacity) = (index as u64 * self.size, self.capacity());
        let zone = self.zones[index];
        if sector != start + zone.written || sectors * SECTOR % u64::from(GRANULARITY) != 0 {
            return UNALIGNED_WP;
        }
        if zone.written + sectors > capacity {
            return INVALID_CMD;
        }
        let opened = match zone.state {
            State::Implicit | State::Explicit => OK,
            _ => self.open(index, State::Implicit),
        };
        if opened == OK {
            let zone = &mut self.zones[index];
            zone.written += sectors;
            if zone.written == capacity {
                zone.state = State::Full;
            }
        }
        opened
    }

    /// Does what a request of type `kind` says. Returns its status, and a zone that it has emptied.
    pub fn manage(&mut self, kind: u32, sector: u64) -> (u8, Vec<u64>) {
        let sequential = |zone: &Zone| zone.state != State::NotWp;
        if kind == kind::ZONE_RESET_ALL {
            let all = (0..self.zones.len()).filter(|&index| sequential(&self.zones[index]));
            let emptied: Vec<usize> = all.collect();
            emptied.iter().for_each(|&index| self.empty(index));
            return (OK, emptied.iter().map(|&index| index as u64 * self.size).collect());
        }
        let index = self.index(sector).filter(|&index| index as u64 * self.size == sector);
        let Some(index) = index.filter(|&index| sequential(&self.zones[index])) else {
            return (INVALID_CMD, Vec::new());
        };
        let state = self.zones[index].state;
        let status = match (kind, state) {
            (kind::ZONE_RESET, _) => {
                self.empty(index);
                return (OK, vec![sector]);
            }
            (kind::ZONE_OPEN, State::Full) | (kind::ZONE_CLOSE, State::Full | State::Empty) => INVALID_CMD,
            (kind::ZONE_OPEN, State::Explicit) => OK,
            (kind::ZONE_OPEN, _) => self.open(index, State::Explicit),
            (kind::ZONE_CLOSE, _) => {
                let nothing = self.zones[index].written == 0;
                self.zones[index].state = if nothing { State::Empty } else { State::Closed };
                OK
            }
            (kind::ZONE_FINISH, _) => {
                self.zones[index] = Zone { state: State::Full, written: self.capacity() };
                OK
            }
            _ => INVALID_CMD,
        };
        (status, Vec::new())
    }

    /// A report of `len` bytes at most, from the zone with this sector on.
    pub fn report(&self, sector: u64, len: usize, disk: u64) -> Vec<u8> {
        let first = (sector / self.size) as usize;
        let room = len.saturating_sub(DESCRIPTOR) / DESCRIPTOR;
        let zones = self.zones.iter().enumerate().skip(first).take(room);
        let mut report = vec![0; DESCRIPTOR];
        for (index, zone) in zones {
            let start = index as u64 * self.size;
            let conventional = zone.state == State::NotWp;
            let most = if conventional { self.size } else { self.capacity() };
            let fields = [most.min(disk - start), start, start + zone.written];
            let mut bytes = fields.map(u64::to_le_bytes).concat();
            bytes.extend([if conventional { 1 } else { 2 }, zone.state as u8]);
            bytes.resize(DESCRIPTOR, 0);
            report.extend(bytes);
        }
        let mut count = (report.len() / DESCRIPTOR - 1) as u64;
        match self.lie {
            Some(0) => count = u64::MAX,
            Some(1) => count = 0,
            // Of the second zone that is reported: where it begins, how much it holds, where to write to
            // next, type and state.
            Some(what) => {
                let at = 2 * DESCRIPTOR;
                if let Some(zone) = report.get_mut(at..at + DESCRIPTOR) {
                    match what {
                        2 => zone[8..16].fill(0),
                        3 => zone[..8].fill(0xff),
                        4 => {
                            zone[16..24].fill(0xff);
                            zone[25] = State::Closed as u8;
                        }
                        5 => zone[24] = 9,
                        _ => zone[25] = 9,
                    }
                }
            }
            None => {}
        }
        report[..8].copy_from_slice(&count.to_le_bytes());
        report.resize(len, 0);
        report
    }

    fn index(&self, sector: u64) -> Option<usize> {
        let index = usize::try_from(sector / self.size).ok()?;
        (index < self.zones.len()).then_some(index)
    }

    fn empty(&mut self, index: usize) {
        self.zones[index] = Zone { state: State::Empty, written: 0 };
    }

    /// Opens a zone, if that is possible, and closes another one that a write has opened, if needed.
    fn open(&mut self, index: usize, state: State) -> u8 {
        let count = |zones: &[Zone], states: &[State]| {
            zones.iter().filter(|zone| states.contains(&zone.state)).count() as u32
        };
        let was = self.zones[index].state;
        if was == State::Full {
            return INVALID_CMD;
        }
        let open = [State::Implicit, State::Explicit];
        let active = [State::Implicit, State::Explicit, State::Closed];
        if !active.contains(&was) && count(&self.zones, &active) >= MAX_ACTIVE {
            return ACTIVE_RESOURCE;
        }
        if !open.contains(&was) && count(&self.zones, &open) >= MAX_OPEN {
            match self.zones.iter_mut().find(|zone| zone.state == State::Implicit) {
                Some(zone) => zone.state = State::Closed,
                None => return OPEN_RESOURCE,
            }
        }
        self.zones[index].state = state;
        OK
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zones() -> Zones {
        Zones::new(20 * 128, 128)
    }

    /// State and write pointer of a zone in a report.
    fn reported(zones: &Zones, index: usize) -> (u8, u64) {
        let report = zones.report(0, 4096, 20 * 128);
        let zone = &report[64 * (index + 1)..][..64];
        (zone[25], u64::from_le_bytes(zone[16..24].try_into().unwrap()))
    }

    #[test]
    fn zones_are_written_in_order() {
        let mut zones = zones();
        assert_eq!(zones.write(200, 8), OK);
        assert_eq!(zones.write(264, 8), UNALIGNED_WP);
        assert_eq!(zones.write(256, 7), UNALIGNED_WP);
        assert_eq!(zones.write(256, 8), OK);
        assert_eq!(reported(&zones, 2), (2, 264));
        assert_eq!(zones.write(264, 112), INVALID_CMD);
        assert_eq!(zones.write(264, 104), OK);
        assert_eq!(reported(&zones, 2), (14, 368));
        assert_eq!(zones.manage(kind::ZONE_RESET, 256), (OK, vec![256]));
        assert_eq!(reported(&zones, 2), (1, 256));
    }

    #[test]
    fn open_and_active_zones_are_limited() {
        let mut zones = zones();
        for index in 2..8 {
            assert_eq!(zones.manage(kind::ZONE_OPEN, index * 128).0, OK);
        }
        assert_eq!(zones.manage(kind::ZONE_OPEN, 8 * 128).0, OPEN_RESOURCE);
        assert_eq!(zones.write(8 * 128, 8), OPEN_RESOURCE);
        for index in 2..8 {
            assert_eq!(zones.write(index * 128, 8), OK);
            assert_eq!(zones.manage(kind::ZONE_CLOSE, index * 128).0, OK);
        }
        assert_eq!([8, 9, 10].map(|index| zones.write(index * 128, 8)), [OK, OK, ACTIVE_RESOURCE]);
        assert_eq!(zones.manage(kind::ZONE_FINISH, 9 * 128).0, OK);
        assert_eq!(zones.write(10 * 128, 8), OK);
        assert_eq!(zones.manage(kind::ZONE_RESET_ALL, 0).1.len(), 18);
        assert_eq!(zones.manage(kind::ZONE_RESET, 0).0, INVALID_CMD);
        assert_eq!(zones.manage(kind::ZONE_RESET, 300).0, INVALID_CMD);
    }
}
