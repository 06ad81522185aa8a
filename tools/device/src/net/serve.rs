// SPDX-License-Identifier: GPL-2.0

//! What a network device does with buffers: frames to send and to receive, and commands.

use super::{
    Net, header,
    header::Header,
    packet::{self, Fate, Layout},
    receive::{self, Frame},
    stats::{BASIC, GSO, SUMS, basic},
};
use crate::{
    back_end::Request,
    breach::{Breach, Findings, require},
    spec::net::{HASH_REPORT, RSS},
};

const OK: u8 = 0;
const ERROR: u8 = 1;

/// What a device that writes more than it says writes there.
const BEYOND: u8 = 0xee;

impl Net {
    /// Takes a frame that is sent.
    pub(super) fn send(&mut self, request: &Request<'_>, findings: &mut Findings) -> Result<(), Breach> {
        let bytes = request.chain.read(request.memory)?;
        let len = header::len(self.features);
        let counters = &mut self.queues.counters[request.queue];
        let enough = bytes.len() >= len + packet::ETHERNET;
        let told = || format!("a frame of {} with its header", bytes.len());
        if !findings.check(require(enough, "NET-15", told)) {
            counters.add(BASIC, basic::DROPS, 1);
            counters.add(BASIC, basic::DROPS_OF_BUFFERS, 1);
            return Ok(());
        }
        let (head, bytes) = bytes.split_at(len);
        let header = Header::parse(head);
        let sums = usize::from(header.flags & header::NEEDS_CSUM != 0);
        counters.add(SUMS, sums, 1);
        if !header.check(bytes, self.features, self.mtu, findings) || !self.link {
            counters.add(BASIC, basic::DROPS, 1);
            return Ok(());
        }
        counters.add(BASIC, basic::PACKETS, 1);
        counters.add(BASIC, basic::BYTES, bytes.len());
        if header.is_gso() {
            // Packets, and those that were not segmented.
            for value in [0, 4] {
                counters.add(GSO, value, 1);
                counters.add(GSO, value + 1, bytes.len());
            }
        }
        let (mut bytes, layout) = (bytes.to_vec(), Layout::of(bytes));
        match packet::turn(&mut bytes, &layout) {
            Fate::Returns if !request.treatment.no_data => self.receive(request.queue / 2, header, bytes),
            Fate::Announces => self.announced += 1,
            _ => {}
        }
        Ok(())
    }

    /// Has a frame received, by the queue of `pair` if nothing else says by which.
    fn receive(&mut self, pair: usize, header: Header, bytes: Vec<u8>) {
        let layout = Layout::of(&bytes);
        let target = bytes[..6].try_into().expect("six bytes");
        let report = self.control.steering.report(&bytes, &layout);
        let pair = match self.control.steering.pair(report.map(|(hash, _)| hash)) {
            Some(pair) if self.has(RSS) => pair.into(),
            _ if pair < usize::from(self.control.pairs) => pair,
            _ => 0,
        };
        let counters = &mut self.queues.counters[2 * pair];
        if !self.control.passes(target, layout.vlan) {
            counters.add(BASIC, basic::DROPS, 1);
            return;
        }
        for frame in receive::as_agreed(header, bytes, &layout, &self.control) {
            let frame = Frame { report: report.filter(|_| self.control.has(HASH_REPORT)), ..frame };
            self.waiting[pair].push(frame, counters);
        }
    }

    /// Does what a command says.
    pub(super) fn command(&mut self, request: &Request<'_>, findings: &mut Findings) -> Result<u32, Breach> {
        let &Request { memory, chain, treatment, .. } = request;
        let bytes = chain.read(memory)?;
        let room = chain.writable();
        require(room > 0, "NET-D4", || "a command without room for an answer".into())?;
        self.control.stats.commands += 1;
        let room = (room - 1) as usize;
        let (mut status, answer) = match self.control.command(&bytes, room, &mut self.queues) {
            Ok(answer) => {
                self.control.stats.succeeded += 1;
                (OK, answer)
            }
            Err(breach) => {
                findings.add(breach);
                (ERROR, Vec::new())
            }
        };
        let answer = &answer[..answer.len().min(room)];
        status = treatment.status.unwrap_or(status);
        if !treatment.no_data {
            chain.write(memory, 1, answer)?;
        }
        if treatment.beyond {
            chain.write(memory, 1, &vec![BEYOND; room])?;
        }
        if !treatment.no_status {
            chain.write(memory, 0, &[status])?;
        }
        Ok(1 + answer.len() as u32)
    }

    /// Fills a buffer.
    pub(super) fn fill(&mut self, request: &Request<'_>) -> Result<u32, Breach> {
        let &Request { memory, chain, treatment, .. } = request;
        let mut piece = self.pieces.pop_front().unwrap_or_default();
        let mut overwrite = |at: usize, bytes: &[u8]| {
            if let Some(place) = piece.get_mut(at..at + bytes.len()) {
                place.copy_from_slice(bytes);
            }
        };
        if let Some(header) = treatment.header {
            overwrite(0, &header.to_le_bytes());
        }
        if let Some(count) = treatment.buffers {
            overwrite(10, &count.to_le_bytes());
        }
        if treatment.beyond {
            chain.write(memory, 0, &vec![BEYOND; chain.writable() as usize])?;
        }
        if !treatment.no_data {
            chain.write(memory, 0, &piece)?;
        }
        Ok(piece.len() as u32)
    }
}
