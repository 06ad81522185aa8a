// SPDX-License-Identifier: GPL-2.0

//! The disk itself: requests of block devices (virtio 1.4, 5.2.6).

pub mod ranges;
pub mod zones;

use self::{ranges::Operation, zones::Zones};
use crate::{
    back_end::{BackEnd, Request, Served},
    breach::{Breach, Findings, require},
    faults::Treatment,
    memory::Memory,
    ring::chain::Chain,
    script::Mischief,
    spec::{Spec, feature},
};

const SECTOR: u64 = 512;
const HEADER: usize = 16;
const ID_BYTES: usize = 20;

mod kind {
    pub const IN: u32 = 0;
    pub const OUT: u32 = 1;
    pub const FLUSH: u32 = 4;
    pub const GET_ID: u32 = 8;
    pub const GET_LIFETIME: u32 = 10;
    pub const DISCARD: u32 = 11;
    pub const WRITE_ZEROES: u32 = 13;
    pub const SECURE_ERASE: u32 = 14;
    pub const ZONE_REPORT: u32 = 16;
    pub const ZONE_OPEN: u32 = 18;
    pub const ZONE_CLOSE: u32 = 20;
    pub const ZONE_FINISH: u32 = 22;
    pub const ZONE_RESET: u32 = 24;
    pub const ZONE_RESET_ALL: u32 = 26;
}

/// Offsets of fields.
mod config {
    pub const CAPACITY: usize = 0;
    pub const SEG_MAX: usize = 12;
    pub const BLK_SIZE: usize = 20;
    pub const NUM_QUEUES: usize = 34;
    pub const DISCARD: usize = 36;
    pub const WRITE_ZEROES: usize = 48;
    pub const SECURE_ERASE: usize = 60;
    pub const ZONED: usize = 72;
}

const OK: u8 = 0;
const IOERR: u8 = 1;
const UNSUPP: u8 = 2;

/// How worn the medium is: reserved blocks, memory of type A, memory of type B.
const LIFETIME: [u16; 3] = [1, 3, 11];

/// What a device that writes more than it says writes there.
const BEYOND: u8 = 0xee;

pub struct Disk {
    data: Vec<u8>,
    serial: String,
    /// In sectors, as the driver is told.
    capacity: u64,
    /// A driver that has not seen it yet may exceed the capacity.
    capacity_changed: bool,
    flushes: u64,
    /// The largest number of ranges that a request has named.
    most_ranges: u64,
    zones: Option<Zones>,
}

impl Disk {
    pub fn new(spec: &Spec) -> Self {
        let (serial, size) = (&spec.name, spec.size);
        Self {
            // Nothing of it is in memory before it is written.
            data: vec![0; size as usize],
            serial: serial.clone(),
            capacity: size / SECTOR,
            capacity_changed: false,
            flushes: 0,
            most_ranges: 0,
            zones: spec.zone_size.map(|zone| Zones::new(size / SECTOR, zone / SECTOR)),
        }
    }

    /// Returns whether it is another capacity.
    fn set_capacity(&mut self, sectors: u64) -> bool {
        let changed = self.capacity != sectors;
        self.capacity = sectors;
        self.capacity_changed |= changed;
        changed
    }
}

impl BackEnd for Disk {
    fn configure(&self, spec: &Spec, space: &mut [u8]) {
        let mut put = |at: usize, value: &[u8]| space[at..at + value.len()].copy_from_slice(value);
        put(config::CAPACITY, &self.capacity.to_le_bytes());
        put(config::SEG_MAX, &u32::from(spec.queue_size.saturating_sub(2).max(1)).to_le_bytes());
        put(config::BLK_SIZE, &512_u32.to_le_bytes());
        put(config::NUM_QUEUES, &spec.queues.to_le_bytes());
        if let Some(zones) = &self.zones {
            let append = zones.size as u32;
            let fields = [zones.size as u32, zones::MAX_OPEN, zones::MAX_ACTIVE, append, zones::GRANULARITY];
            put(config::ZONED, &fields.map(u32::to_le_bytes).concat());
            // It is managed by the driver.
            put(config::ZONED + 20, &[1]);
        }
        let limits = [
            (feature::DISCARD, config::DISCARD, ranges::DISCARD),
            (feature::WRITE_ZEROES, config::WRITE_ZEROES, ranges::ZEROES),
            (feature::SECURE_ERASE, config::SECURE_ERASE, ranges::ERASE),
        ];
        for (bit, at, limits) in limits.into_iter().filter(|(bit, ..)| spec.offers(*bit)) {
            put(at, &limits.sectors.to_le_bytes());
            put(at + 4, &limits.ranges.to_le_bytes());
            match bit {
                // It may unmap what is zeroed.
                feature::WRITE_ZEROES => put(at + 8, &[1]),
                _ => put(at + 8, &limits.alignment.to_le_bytes()),
            }
        }
    }

    fn serve(&mut self, request: &Request<'_>, findings: &mut Findings) -> Result<Served, Breach> {
        let &Request { features, memory, chain, treatment, .. } = request;
        let request = chain.read(memory)?;
        let writable = chain.writable();
        require(request.len() >= HEADER && writable > 0, "BLK-D1", || {
            format!("{} bytes to read and {writable} to write", request.len())
        })?;
        let (header, out) = request.split_at(HEADER);
        let kind = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
        let sector = u64::from_le_bytes(header[8..].try_into().expect("eight bytes"));
        let room = writable - 1;
        let at = sector.saturating_mul(SECTOR);
        let mut data: &[u8] = &[];
        let (id, lifetime, report);
        let status = match kind {
            kind::IN | kind::OUT => {
                let len = if kind == kind::IN { room } else { out.len() as u64 };
                findings.check(require(len % SECTOR == 0 && len > 0, "BLK-10", || format!("{len} bytes")));
                let mut known = self.within(sector, len, findings);
                let mut status = IOERR;
                if let Some(zones) = self.zones.as_mut().filter(|_| known && kind == kind::OUT) {
                    status = zones.write(sector, len / SECTOR);
                    known = status == OK;
                }
                match at.checked_add(len).and_then(|end| self.data.get_mut(at as usize..end as usize)) {
                    Some(place) if known && kind == kind::IN => {
                        data = place;
                        OK
                    }
                    Some(place) if known => {
                        if !treatment.no_data {
                            place.copy_from_slice(out);
                        }
                        OK
                    }
                    _ => status,
                }
            }
            kind::FLUSH => {
                self.flushes += 1;
                findings.check(require(sector == 0, "BLK-08", || format!("a flush of sector {sector}")));
                let none = out.is_empty() && room == 0;
                findings.check(require(none, "BLK-09", || "a flush with data".into()));
                OK
            }
            kind::GET_ID => {
                let fine = room == ID_BYTES as u64;
                findings.check(require(fine, "BLK-12", || format!("{room} bytes for the id")));
                id = self.id();
                data = &id;
                OK
            }
            kind::GET_LIFETIME if features >> feature::LIFETIME & 1 != 0 => {
                lifetime = LIFETIME.map(u16::to_le_bytes).concat();
                data = &lifetime;
                OK
            }
            kind::ZONE_REPORT..=kind::ZONE_RESET_ALL => match &mut self.zones {
                Some(zones) if kind == kind::ZONE_REPORT => {
                    report = zones.report(sector, room as usize, self.capacity);
                    data = &report;
                    OK
                }
                Some(zones) => {
                    let (status, emptied) = zones.manage(kind, sector);
                    let size = (zones.size * SECTOR) as usize;
                    for zone in emptied {
                        let start = (zone * SECTOR) as usize;
                        let end = (start + size).min(self.data.len());
                        self.data[start..end].fill(0);
                    }
                    status
                }
                None => UNSUPP,
            },
            _ => match Operation::of(kind) {
                Some(operation) if features >> operation.feature & 1 != 0 => {
                    self.change(&operation, out, treatment, findings)
                }
                _ => UNSUPP,
            },
        };
        let written = answer(memory, chain, treatment, data, status)?;
        Ok(Served { written, ends: None })
    }

    fn count(&self, word: &str) -> Option<u64> {
        match word {
            "flushes" => Some(self.flushes),
            "ranges" => Some(self.most_ranges),
            _ => None,
        }
    }

    fn mischief(&mut self, what: Mischief) -> bool {
        match (what, &mut self.zones) {
            (Mischief::Capacity(sectors), _) => return self.set_capacity(sectors),
            (Mischief::Zones(lie), Some(zones)) => zones.lie = Some(lie),
            _ => {}
        }
        false
    }

    fn be_honest(&mut self) -> bool {
        if let Some(zones) = &mut self.zones {
            zones.lie = None;
        }
        self.set_capacity(self.data.len() as u64 / SECTOR)
    }

    fn reset(&mut self) {
        self.capacity_changed = false;
    }
}

impl Disk {
    fn within(&self, sector: u64, len: u64, findings: &mut Findings) -> bool {
        let within = sector.checked_add(len / SECTOR).is_some_and(|end| end <= self.capacity);
        findings.check(require(within || self.capacity_changed, "BLK-06", || {
            format!("{len} bytes at sector {sector} of {}", self.capacity)
        }));
        within
    }

    fn id(&self) -> [u8; ID_BYTES] {
        let mut id = [0; ID_BYTES];
        let len = self.serial.len().min(ID_BYTES);
        id[..len].copy_from_slice(&self.serial.as_bytes()[..len]);
        id
    }
}

/// Writes the data and the status.
fn answer(
    memory: &Memory,
    chain: &Chain,
    treatment: &Treatment,
    data: &[u8],
    status: u8,
) -> Result<u32, Breach> {
    let room = chain.writable() - 1;
    let status = treatment.status.unwrap_or(status);
    if !treatment.no_data {
        let len = data.len().min(room as usize);
        chain.write(memory, 0, &data[..len])?;
    }
    if treatment.beyond {
        chain.write(memory, 0, &vec![BEYOND; room as usize])?;
    }
    if !treatment.no_status {
        chain.write(memory, room, &[status])?;
    }
    // Of a request that failed only the status counts.
    Ok(if status == OK { data.len() as u32 + 1 } else { 1 })
}
