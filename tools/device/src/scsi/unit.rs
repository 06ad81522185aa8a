// SPDX-License-Identifier: GPL-2.0

//! A logical unit: a disk in memory that knows what SBC-3 and SPC-4 demand of one.

const BLOCK: u64 = 512;

pub const INQUIRY: u8 = 0x12;
pub const REPORT_LUNS: u8 = 0xa0;

/// The other operations.
mod operation {
    pub const TEST_UNIT_READY: u8 = 0x00;
    pub const REQUEST_SENSE: u8 = 0x03;
    pub const MODE_SENSE_6: u8 = 0x1a;
    pub const START_STOP_UNIT: u8 = 0x1b;
    pub const READ_CAPACITY_10: u8 = 0x25;
    pub const READ_10: u8 = 0x28;
    pub const WRITE_10: u8 = 0x2a;
    pub const SYNCHRONIZE_CACHE_10: u8 = 0x35;
    pub const MODE_SENSE_10: u8 = 0x5a;
    pub const READ_16: u8 = 0x88;
    pub const WRITE_16: u8 = 0x8a;
    pub const SYNCHRONIZE_CACHE_16: u8 = 0x91;
    pub const SERVICE_ACTION_IN: u8 = 0x9e;
}

/// Sense keys.
pub const ILLEGAL_REQUEST: u8 = 5;
const UNIT_ATTENTION: u8 = 6;

const INVALID_OPERATION: [u8; 3] = [ILLEGAL_REQUEST, 0x20, 0];
const OUT_OF_RANGE: [u8; 3] = [ILLEGAL_REQUEST, 0x21, 0];
const INVALID_FIELD: [u8; 3] = [ILLEGAL_REQUEST, 0x24, 0];
const WAS_RESET: [u8; 3] = [UNIT_ATTENTION, 0x29, 0];

/// What a command is answered.
pub enum Answer {
    /// With this data.
    Good(Vec<u8>),
    /// Key, code and qualifier.
    Sense([u8; 3]),
}

/// Sense data in the fixed format.
pub fn sense_data([key, code, qualifier]: [u8; 3]) -> [u8; 18] {
    [0x70, 0, key & 0xf, 0, 0, 0, 0, 10, 0, 0, 0, 0, code, qualifier, 0, 0, 0, 0]
}

/// What INQUIRY says of a unit that a target does not have.
pub fn no_unit() -> Vec<u8> {
    inquiry(0x7f)
}

fn inquiry(kind: u8) -> Vec<u8> {
    [&[kind, 0, 6, 2, 31, 0, 0, 2][..], b"RVIRTIO OWN UNIT        1   "].concat()
}

pub struct Unit {
    data: Vec<u8>,
    serial: String,
    pub number: u16,
    pub is_there: bool,
    pub flushes: u64,
    /// In blocks, as the driver is told.
    pub capacity: u64,
    /// The next command is told that it was reset.
    attention: bool,
}

impl Unit {
    pub fn new(name: &str, number: u16, size: u64) -> Self {
        Self {
            // Nothing of it is in memory before it is written.
            data: vec![0; size as usize],
            serial: format!("{name}{number}"),
            number,
            is_there: true,
            flushes: 0,
            capacity: size / BLOCK,
            attention: true,
        }
    }

    pub fn be_honest(&mut self) {
        (self.is_there, self.capacity) = (true, self.data.len() as u64 / BLOCK);
    }

    pub fn was_reset(&mut self) {
        self.attention = true;
    }

    /// Executes a command with the data `out`, which is not written if it is to be lost.
    pub fn execute(&mut self, cdb: &[u8], out: &[u8], lost: bool) -> Answer {
        let tells = !matches!(cdb[0], INQUIRY | REPORT_LUNS | operation::REQUEST_SENSE);
        if tells && std::mem::take(&mut self.attention) {
            return Answer::Sense(WAS_RESET);
        }
        let good = || Answer::Good(Vec::new());
        let last = self.capacity.saturating_sub(1);
        match cdb[0] {
            operation::TEST_UNIT_READY | operation::START_STOP_UNIT => good(),
            operation::REQUEST_SENSE => Answer::Good(sense_data([0; 3]).to_vec()),
            INQUIRY => self.inquire(cdb),
            operation::MODE_SENSE_6 => Answer::Good([&[23, 0, 0x10, 0][..], &CACHE].concat()),
            operation::MODE_SENSE_10 => Answer::Good([&[0, 26, 0, 0x10, 0, 0, 0, 0][..], &CACHE].concat()),
            operation::READ_CAPACITY_10 => {
                let last = u32::try_from(last).unwrap_or(u32::MAX);
                Answer::Good([last, BLOCK as u32].map(u32::to_be_bytes).concat())
            }
            operation::SERVICE_ACTION_IN if cdb[1] & 0x1f == 0x10 => {
                let mut data = [0; 32];
                data[..8].copy_from_slice(&last.to_be_bytes());
                data[8..12].copy_from_slice(&(BLOCK as u32).to_be_bytes());
                Answer::Good(data.to_vec())
            }
            operation::SYNCHRONIZE_CACHE_10 | operation::SYNCHRONIZE_CACHE_16 => {
                self.flushes += 1;
                good()
            }
            operation::READ_10 | operation::READ_16 | operation::WRITE_10 | operation::WRITE_16 => {
                self.transfer(cdb, out, lost)
            }
            _ => Answer::Sense(INVALID_OPERATION),
        }
    }

    fn transfer(&mut self, cdb: &[u8], out: &[u8], lost: bool) -> Answer {
        let number = |from: usize, to: usize| {
            cdb[from..to].iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
        };
        let (block, count) = match cdb[0] {
            operation::READ_10 | operation::WRITE_10 => (number(2, 6), number(7, 9)),
            _ => (number(2, 10), number(10, 14)),
        };
        let bytes =
            block.checked_mul(BLOCK).zip(block.checked_add(count).and_then(|end| end.checked_mul(BLOCK)));
        let place = bytes.and_then(|(from, to)| self.data.get_mut(from as usize..to as usize));
        match (cdb[0], place) {
            (_, None) => Answer::Sense(OUT_OF_RANGE),
            (operation::READ_10 | operation::READ_16, Some(place)) => Answer::Good(place.to_vec()),
            (_, Some(place)) if place.len() <= out.len() => {
                if !lost {
                    place.copy_from_slice(&out[..place.len()]);
                }
                Answer::Good(Vec::new())
            }
            // Less data than it says.
            _ => Answer::Sense(INVALID_FIELD),
        }
    }

    fn inquire(&self, cdb: &[u8]) -> Answer {
        let serial = self.serial.as_bytes();
        let page = |number: u8, data: &[u8]| Answer::Good([&[0, number, 0, data.len() as u8], data].concat());
        let (has_page, number) = (cdb[1] & 1 != 0, cdb[2]);
        let full = match (has_page, number) {
            (false, 0) => return Answer::Good(inquiry(0)),
            (true, 0x00) => return page(0, &[0, 0x80, 0x83]),
            (true, 0x80) => return page(0x80, serial),
            // A name of ASCII, of the unit, that begins with the vendor.
            (true, 0x83) => [&[2, 1, 0, 8 + serial.len() as u8][..], b"RVIRTIO ", serial].concat(),
            _ => return Answer::Sense(INVALID_FIELD),
        };
        page(0x83, &full)
    }
}

/// The mode page about the cache: there is one that has to be flushed.
const CACHE: [u8; 20] = [8, 18, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
