// SPDX-License-Identifier: GPL-2.0

//! Which receive queue a frame is for: hashes of its headers, and a table of queues (virtio 1.4, 5.1.6.5.6 and
//! 5.1.6.5.7).

use super::{
    packet::{Layout, Protocol},
    queues::{Queue, Queues, length},
};
use crate::breach::{Breach, require};

/// What the device reports of itself.
pub const MAX_KEY: u8 = 40;
pub const MAX_TABLE: u16 = 128;
pub const HASHES: u32 = 0x3f;

/// What was configured.
#[derive(Default)]
pub struct Steering {
    hashes: u32,
    key: Vec<u8>,
    /// Numbers of pairs, and that of frames without a hash.
    table: Vec<u16>,
    rest: u16,
}

impl Steering {
    /// Takes the data of a command that sets hashes and a table. Returns the number of pairs.
    pub fn spread(&mut self, data: &[u8], queues: &Queues) -> Result<u16, Breach> {
        let word = |at: usize| data.get(at..at + 2).map(|bytes| u16::from_le_bytes([bytes[0], bytes[1]]));
        let (mask, rest) = word(4).zip(word(6)).ok_or_else(|| length(data))?;
        let len = usize::from(mask) + 1;
        require(len.is_power_of_two(), "NET-85", || format!("a table of {len}"))?;
        require(mask < MAX_TABLE, "NET-86", || format!("a table of {len}"))?;
        let table: Option<Vec<u16>> = (0..len).map(|index| word(8 + 2 * index)).collect();
        let table = table.ok_or_else(|| length(data))?;
        for pair in table.iter().chain([&rest]) {
            let queue = 2 * usize::from(*pair);
            let enabled = queues.kind(queue) == Some(Queue::Receive) && queues.sizes[queue].is_some();
            require(enabled, "NET-84", || format!("pair {pair} is in the table"))?;
        }
        let pairs = word(8 + 2 * len).ok_or_else(|| length(data))?;
        let key = &data[10 + 2 * len..];
        (self.hashes, self.key) = (hashes(data)?, key_of(key)?);
        (self.table, self.rest) = (table, rest);
        Ok(pairs)
    }

    /// Takes the data of a command that sets hashes only.
    pub fn hash(&mut self, data: &[u8]) -> Result<(), Breach> {
        let (head, key) = data.split_at_checked(12).ok_or_else(|| length(data))?;
        require(head[4..] == [0; 8], "NETX-32", || format!("reserved bytes {:x?}", &head[4..]))?;
        (self.hashes, self.key) = (hashes(data)?, key_of(key)?);
        Ok(())
    }

    /// The hash of a frame and what it is of, as a header reports it.
    pub fn report(&self, frame: &[u8], layout: &Layout) -> Option<(u32, u16)> {
        let ip = layout.ip?;
        let addresses = if ip.is_v4 { &frame[ip.at + 12..ip.at + 20] } else { &frame[ip.at + 8..ip.at + 40] };
        // The order is that of the bits: addresses, TCP, UDP.
        let first = if ip.is_v4 { 0 } else { 3 };
        let with_ports = ip.transport.and_then(|transport| {
            let bit = first + if transport.protocol == Protocol::Tcp { 1 } else { 2 };
            (self.hashes >> bit & 1 != 0).then_some((bit, &frame[transport.at..transport.at + 4]))
        });
        let (bit, ports) = match with_ports {
            Some(found) => found,
            None if self.hashes >> first & 1 != 0 => (first, &[][..]),
            None => return None,
        };
        Some((toeplitz(&self.key, &[addresses, ports].concat()), bit + 1))
    }

    /// The pair of a frame, if there is a table.
    pub fn pair(&self, hash: Option<u32>) -> Option<u16> {
        let last = self.table.len().checked_sub(1)?;
        Some(hash.map_or(self.rest, |hash| self.table[hash as usize & last]))
    }
}

fn hashes(data: &[u8]) -> Result<u32, Breach> {
    let hashes = u32::from_le_bytes(data[..4].try_into().expect("four bytes"));
    require(hashes & !HASHES == 0, "NET-87", || format!("hashes {hashes:#x}"))?;
    Ok(hashes)
}

fn key_of(data: &[u8]) -> Result<Vec<u8>, Breach> {
    let (len, key) = data.split_first().ok_or_else(|| length(data))?;
    let fine = key.len() == usize::from(*len) && *len <= MAX_KEY;
    require(fine, "NET-D4", || format!("a key of {len}, with {} bytes", key.len()))?;
    Ok(key.to_vec())
}

/// The hash of that name.
fn toeplitz(key: &[u8], data: &[u8]) -> u32 {
    let bit = |at: usize| key.get(at / 8).is_some_and(|byte| byte >> (7 - at % 8) & 1 != 0);
    let window = |at: usize| (at..at + 32).fold(0, |bits, at| bits << 1 | u32::from(bit(at)));
    let set = (0..8 * data.len()).filter(|at| data[at / 8] >> (7 - at % 8) & 1 != 0);
    set.fold(0, |hash, at| hash ^ window(at))
}
