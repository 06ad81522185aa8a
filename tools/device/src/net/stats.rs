// SPDX-License-Identifier: GPL-2.0

//! What a network device counts, and tells the driver (virtio 1.4, 5.1.6.5.12).

use super::queues::{Queue, Queues};
use crate::{
    breach::{Breach, require},
    spec::net::{CSUM, GUEST_CSUM, GUEST_TSO4, GUEST_TSO6, HOST_TSO4, HOST_TSO6, HOST_USO, SPEED_DUPLEX},
};

/// Types of statistics of a queue, and how many values each has for a receive and a transmit queue.
pub const BASIC: usize = 0;
pub const SUMS: usize = 1;
pub const GSO: usize = 2;
const SPEED: usize = 3;
const VALUES: [[usize; 4]; 2] = [[6, 4, 4, 2], [6, 2, 6, 2]];

/// Bits of types of transmit queues begin here.
const TRANSMIT: usize = 16;
/// The type of the control queue.
const CONTROL: usize = 32;

/// Length of an entry of a question, and of the header of an answer.
const ENTRY: usize = 16;
const HEADER: usize = 8;

/// Of basic statistics; the packets and bytes of other ones are at other places.
pub mod basic {
    pub const NOTIFICATIONS: usize = 0;
    pub const PACKETS: usize = 1;
    pub const BYTES: usize = 2;
    pub const INTERRUPTS: usize = 3;
    pub const DROPS: usize = 4;
    /// For want of buffers, or for what is wrong with them.
    pub const DROPS_OF_BUFFERS: usize = 5;
}

/// What is counted of a queue.
#[derive(Clone, Debug, Default)]
pub struct Counters(pub [[u64; 6]; 4]);

impl Counters {
    pub fn add(&mut self, kind: usize, value: usize, count: usize) {
        self.0[kind][value] += count as u64;
    }

    /// Those that tests can ask for.
    pub fn basic(&self, value: usize) -> u64 {
        self.0[BASIC][value]
    }
}

#[derive(Default)]
pub struct Stats {
    /// The driver has asked what there is.
    asked: bool,
    pub commands: u64,
    pub succeeded: u64,
    /// What is wrong.
    pub lie: Option<u8>,
}

impl Stats {
    /// All types that are there with these features.
    fn types(features: u128) -> u64 {
        let any = |bits: &[u32]| bits.iter().any(|bit| features >> bit & 1 != 0);
        let types = [
            (BASIC, true),
            (SUMS, any(&[GUEST_CSUM])),
            (GSO, any(&[GUEST_TSO4, GUEST_TSO6])),
            (SPEED, any(&[SPEED_DUPLEX])),
            (TRANSMIT + BASIC, true),
            (TRANSMIT + SUMS, any(&[CSUM])),
            (TRANSMIT + GSO, any(&[HOST_TSO4, HOST_TSO6, HOST_USO])),
            (TRANSMIT + SPEED, any(&[SPEED_DUPLEX])),
            (CONTROL, true),
        ];
        types.iter().filter(|(_, there)| *there).fold(0, |set, (bit, _)| set | 1 << bit)
    }

    /// Answers what there is.
    pub fn query(&mut self, features: u128) -> Vec<u8> {
        self.asked = true;
        Self::types(features).to_le_bytes().to_vec()
    }

    /// Answers with what was asked for, as far as it fits in `room` bytes.
    pub fn get(&self, data: &[u8], room: usize, features: u128, queues: &Queues) -> Result<Vec<u8>, Breach> {
        require(self.asked, "NETX-07", || "statistics before the question for their types".into())?;
        require(data.len() % ENTRY == 0 && !data.is_empty(), "NETX-09", || format!("{} bytes", data.len()))?;
        let mut answer = Vec::new();
        let mut headers = 0;
        for entry in data.chunks_exact(ENTRY) {
            let index = u16::from_le_bytes([entry[0], entry[1]]);
            let types = u64::from_le_bytes(entry[8..].try_into().expect("eight bytes"));
            let unknown = types & !Self::types(features);
            require(unknown == 0, "NETX-07", || format!("unknown types {unknown:#x}"))?;
            let (kind, first) = match queues.kind(index.into()) {
                Some(Queue::Receive) => (0, 0),
                Some(Queue::Transmit) => (1, TRANSMIT),
                Some(Queue::Control) => (2, CONTROL),
                None => return Err(Breach { id: "NETX-08", what: format!("queue {index}") }),
            };
            let own = if kind == 2 { 1 << CONTROL } else { 0xf << first };
            require(types & !own == 0, "NETX-08", || format!("types {types:#x} of queue {index}"))?;
            for bit in (0..64).filter(|bit| types >> bit & 1 != 0) {
                let values = if kind == 2 {
                    vec![self.commands, self.succeeded + 1]
                } else {
                    let of = bit - first;
                    queues.counters[usize::from(index)].0[of][..VALUES[kind][of]].to_vec()
                };
                headers += HEADER;
                self.reply(&mut answer, bit as u8, index, &values);
            }
        }
        require(room >= headers, "NETX-09", || format!("{room} bytes for {headers} of headers"))?;
        answer.truncate(room);
        Ok(answer)
    }

    fn reply(&self, answer: &mut Vec<u8>, kind: u8, index: u16, values: &[u64]) {
        let (mut kind, mut index, mut size) = (kind, index, (HEADER + 8 * values.len()) as u16);
        match self.lie {
            Some(0) => size = 0,
            Some(1) => size = u16::MAX,
            Some(2) => index = !index,
            Some(3) => kind = 0xee,
            Some(4) => return,
            _ => {}
        }
        answer.extend([kind, 0]);
        answer.extend([index, 0, size].map(u16::to_le_bytes).concat());
        answer.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    }

    /// The device is reset: its counters are not.
    pub fn reset(&mut self) {
        self.asked = false;
    }
}
