// SPDX-License-Identifier: GPL-2.0

//! The network device (virtio 1.4, 5.1): what is sent comes back, from whom it was sent to.

mod control;
mod header;
mod packet;
mod queues;
mod receive;
mod serve;
mod stats;
mod steer;
#[cfg(test)]
mod tests;

use self::{
    control::Control,
    queues::{Queue, Queues},
    receive::Waiting,
    stats::{BASIC, basic},
};
use crate::{
    back_end::{BackEnd, Request, Role, Served},
    breach::{Breach, Findings, require},
    memory::Memory,
    ring::chain::Chain,
    script::{Action, Fault, Mischief, Stream},
    spec::{
        Spec,
        net::{self as feature, MRG_RXBUF},
    },
};
use std::collections::VecDeque;

/// Offsets of fields of the configuration.
mod config {
    pub const STATUS: usize = 6;
    pub const MAX_PAIRS: usize = 8;
    pub const MTU: usize = 10;
    pub const SPEED: usize = 12;
    pub const DUPLEX: usize = 16;
    pub const MAX_KEY: usize = 17;
    pub const MAX_TABLE: usize = 18;
    pub const HASHES: usize = 20;
}

const SPEED: u32 = 10_000;

const LINK_UP: u16 = 1;
const ANNOUNCE: u16 = 2;

pub struct Net {
    mac: [u8; 6],
    mtu: Option<u16>,
    features: u128,
    link: bool,
    control: Control,
    queues: Queues,
    waiting: Vec<Waiting>,
    /// What the next buffers are filled with.
    pieces: VecDeque<Vec<u8>>,
    /// How often the driver has announced itself.
    announced: u64,
}

impl Net {
    pub fn new(spec: &Spec) -> Self {
        Self {
            mac: spec.mac(),
            mtu: spec.mtu,
            features: 0,
            link: true,
            control: Control::new(spec.mac()),
            queues: Queues::new(spec.queues),
            waiting: (0..spec.queues).map(|_| Waiting::default()).collect(),
            pieces: VecDeque::new(),
            announced: 0,
        }
    }

    fn has(&self, bit: u32) -> bool {
        self.features >> bit & 1 != 0
    }

    fn status(&self) -> u16 {
        (if self.link { LINK_UP } else { 0 }) | (if self.control.announce { ANNOUNCE } else { 0 })
    }
}

impl BackEnd for Net {
    fn configure(&self, spec: &Spec, space: &mut [u8]) {
        let mut put = |at: usize, value: &[u8]| space[at..at + value.len()].copy_from_slice(value);
        put(0, &self.control.mac);
        put(config::STATUS, &self.status().to_le_bytes());
        put(config::MAX_PAIRS, &spec.queues.to_le_bytes());
        put(config::MTU, &self.mtu.unwrap_or(0).to_le_bytes());
        put(config::SPEED, &SPEED.to_le_bytes());
        put(config::DUPLEX, &[1]);
        put(config::MAX_KEY, &[steer::MAX_KEY]);
        put(config::MAX_TABLE, &steer::MAX_TABLE.to_le_bytes());
        put(config::HASHES, &steer::HASHES.to_le_bytes());
    }

    fn written(&mut self, at: u64, _: u64, findings: &mut Findings) {
        findings.check(require(false, "NET-01", || format!("a write at {at}")));
    }

    fn negotiated(&mut self, features: u128, findings: &mut Findings) {
        let lacking = feature::lacking(features);
        findings.check(require(lacking == 0, "NET-D1", || format!("features {lacking:#x} need others")));
        self.features = features;
        self.control.negotiated(features);
        self.queues.negotiated(features);
    }

    fn enabled(&mut self, queue: usize, size: Option<u16>) {
        self.queues.enabled(queue, size);
    }

    fn notified(&mut self, queue: usize, driver: bool) {
        let value = if driver { basic::NOTIFICATIONS } else { basic::INTERRUPTS };
        self.queues.counters[queue].add(BASIC, value, 1);
    }

    fn role(&self, queue: usize) -> Role {
        match self.queues.kind(queue) {
            Some(Queue::Receive) => Role::Events,
            Some(Queue::Transmit) => Role::Requests,
            _ => Role::Control { answers: true },
        }
    }

    fn taken(&mut self, queue: usize, _: &Memory, chain: &Chain, findings: &mut Findings) {
        let room = chain.writable();
        match self.queues.kind(queue) {
            Some(Queue::Receive) => {
                let fine = chain.elements.iter().all(|element| element.writable);
                findings.check(require(fine, "NET-57", || "a buffer to receive into is to be read".into()));
                let (least, id) = receive::least_room(self.features, self.mtu);
                findings.check(require(room >= least, id, || format!("a buffer of {room}, not {least}")));
            }
            Some(Queue::Transmit) => {
                findings.check(require(room == 0, "NET-15", || "a frame to send is to be written".into()));
                let (pair, pairs) = (queue / 2, self.control.pairs);
                let used = pair < usize::from(pairs);
                let id = if pairs == 1 { "NET-81" } else { "NET-82" };
                findings.check(require(used, id, || format!("a frame in pair {pair} of {pairs}")));
            }
            _ => {}
        }
    }

    fn ready(&mut self, queue: usize, rooms: &[u64]) -> usize {
        let whole = self.queues.sizes[queue].is_some_and(|size| rooms.len() >= size.into());
        let (mergeable, len) = (self.has(MRG_RXBUF), header::len(self.features));
        let counters = &mut self.queues.counters[queue];
        self.pieces = self.waiting[queue / 2].pieces(rooms, whole, mergeable, len, counters);
        self.pieces.len()
    }

    fn serve(&mut self, request: &Request<'_>, findings: &mut Findings) -> Result<Served, Breach> {
        let written = match self.role(request.queue) {
            Role::Requests => self.send(request, findings).map(|()| 0)?,
            Role::Events => self.fill(request)?,
            Role::Control { .. } => self.command(request, findings)?,
        };
        Ok(Served { written, ends: None })
    }

    fn count(&self, word: &str) -> Option<u64> {
        let on = |mode: usize| u64::from(self.control.modes[mode]);
        let of = |prefix: &str| word.strip_prefix(prefix).and_then(|number| number.parse::<usize>().ok());
        let counters = |queue: usize| self.queues.counters.get(queue);
        Some(match word {
            "commands" => self.control.stats.commands,
            "commands-done" => self.control.stats.succeeded,
            "announced" => self.announced,
            "announce" => self.control.announce.into(),
            "pairs" => self.control.pairs.into(),
            "offloads" => self.control.offloads,
            "promisc" => on(control::mode::PROMISC),
            "allmulti" => on(control::mode::ALLMULTI),
            "alluni" => on(control::mode::ALLUNI),
            "addresses" => self.control.table.len() as u64,
            "mac" => self.control.mac.iter().fold(0, |mac, byte| mac << 8 | u64::from(*byte)),
            _ => {
                if let Some(vlan) = of("vlan-") {
                    self.control.vlans.contains(&(vlan as u16)).into()
                } else if let Some(queue) = of("packets-") {
                    counters(queue)?.basic(basic::PACKETS)
                } else if let Some(queue) = of("bytes-") {
                    counters(queue)?.basic(basic::BYTES)
                } else if let Some(queue) = of("drops-") {
                    counters(queue)?.basic(basic::DROPS)
                } else if let Some(queue) = of("coalesced-packets-") {
                    self.queues.coalescing(queue)?.packets.into()
                } else {
                    self.queues.coalescing(of("coalesced-usecs-")?)?.usecs.into()
                }
            }
        })
    }

    fn mischief(&mut self, what: Mischief) -> bool {
        match what {
            Mischief::Link(up) => self.link = up != 0,
            Mischief::Announce => self.control.announce = true,
            Mischief::Stats(lie) => self.control.stats.lie = Some(lie),
            _ => {}
        }
        matches!(what, Mischief::Link(_) | Mischief::Announce)
    }

    fn odds(&self, of: Stream) -> u64 {
        match of {
            Stream::Requests => 60,
            Stream::Reports => 90,
            Stream::Control => 8,
        }
    }

    fn random(&self, of: Stream, value: u64) -> Option<Action> {
        let [what, byte, ..] = value.to_le_bytes();
        let word = (value >> 16) as u16;
        Some(match what % 16 {
            0 => Action::Device(Mischief::Link(byte & 1)),
            1 => Action::Device(Mischief::Announce),
            2 => Action::Device(Mischief::Stats(byte % 5)),
            3 | 4 if of == Stream::Reports => Action::Request(Fault::Header(value.rotate_left(8))),
            5 if of == Stream::Reports => Action::Request(Fault::Buffers(word)),
            6 if of == Stream::Reports => Action::Request(Fault::Buffers(word % 70)),
            7 if of == Stream::Reports => Action::Request(Fault::Length(u32::from(byte))),
            _ => return None,
        })
    }

    fn be_honest(&mut self) -> bool {
        self.control.stats.lie = None;
        !std::mem::replace(&mut self.link, true)
    }

    fn reset(&mut self) {
        self.features = 0;
        self.control.reset(self.mac);
        self.queues.reset();
        self.waiting.iter_mut().for_each(Waiting::clear);
        self.pieces.clear();
    }
}
