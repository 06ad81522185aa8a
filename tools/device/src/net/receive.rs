// SPDX-License-Identifier: GPL-2.0

//! Frames that the driver is to receive, and buffers for them (virtio 1.4, 5.1.6.3 and 5.1.6.4).

use super::{
    control::Control,
    header::{self, DATA_VALID, ECN, Header, NEEDS_CSUM, TCPV4, TCPV6},
    packet::{self, ETHERNET, Layout},
    stats::{BASIC, Counters, GSO, SUMS, basic},
};
use crate::spec::net::{
    GUEST_CSUM, GUEST_ECN, GUEST_TSO4, GUEST_TSO6, GUEST_USO4, GUEST_USO6, MRG_RXBUF, MTU,
};
use std::collections::VecDeque;

/// So many frames wait for buffers; more are dropped.
const PATIENT: usize = 512;

/// The largest frame of several segments, and of one.
const LARGEST: u64 = 65589;
const SINGLE: u64 = 1514;

/// How large a buffer has to be at least, and which requirement says so.
pub fn least_room(features: u128, mtu: Option<u16>) -> (u64, &'static str) {
    let has = |bit: u32| features >> bit & 1 != 0;
    let header = header::len(features) as u64;
    if has(MRG_RXBUF) {
        return (header, "NET-57");
    }
    if [GUEST_TSO4, GUEST_TSO6, GUEST_USO4, GUEST_USO6].into_iter().any(has) {
        return (header + LARGEST, "NET-55");
    }
    match mtu.filter(|_| has(MTU)) {
        Some(mtu) => (header + u64::from(mtu) + ETHERNET as u64, "NET-08"),
        None => (header + SINGLE, "NET-56"),
    }
}

/// A frame, with what its header says.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    pub header: Header,
    pub bytes: Vec<u8>,
    /// A hash and what it is of.
    pub report: Option<(u32, u16)>,
}

impl Frame {
    fn new(header: Header, bytes: Vec<u8>) -> Self {
        Self { header: Header { num_buffers: 1, ..header }, bytes, report: None }
    }

    /// All that is written, with a header of `len` bytes.
    fn whole(&self, len: usize) -> Vec<u8> {
        let mut bytes = self.header.bytes(len);
        if let (Some((hash, kind)), 20..) = (self.report, len) {
            bytes[12..16].copy_from_slice(&hash.to_le_bytes());
            bytes[16..18].copy_from_slice(&kind.to_le_bytes());
        }
        [bytes, self.bytes.clone()].concat()
    }
}

/// Makes frames that the driver has agreed to receive out of one that was sent.
pub fn as_agreed(header: Header, bytes: Vec<u8>, layout: &Layout, control: &Control) -> Vec<Frame> {
    let has_sums = control.offloads(GUEST_CSUM);
    let (offload, ecn) = (header.gso_type & !ECN, header.gso_type & ECN != 0);
    let is_v4 = layout.ip.is_some_and(|ip| ip.is_v4);
    let large = match offload {
        0 => true,
        TCPV4 => control.offloads(GUEST_TSO4),
        TCPV6 => control.offloads(GUEST_TSO6),
        _ => control.offloads(if is_v4 { GUEST_USO4 } else { GUEST_USO6 }),
    };
    if large && (!ecn || control.offloads(GUEST_ECN)) && (has_sums || offload == 0) {
        let (mut header, mut bytes) = (header, bytes);
        if header.flags & NEEDS_CSUM != 0 && !has_sums {
            let start = usize::from(header.csum_start);
            let end = layout.ip.map_or(bytes.len(), |ip| ip.end);
            let protocol = layout.transport().map(|(_, transport)| transport.protocol);
            packet::complete(&mut bytes, start, end, start + usize::from(header.csum_offset), protocol);
            header = Header::default();
        }
        return vec![Frame::new(header, bytes)];
    }
    let Some(headers) = layout.transport() else { return Vec::new() };
    let flags = if has_sums { DATA_VALID } else { 0 };
    let segments = packet::segment(&bytes, headers, header.gso_size.max(1).into());
    segments.into_iter().map(|segment| Frame::new(Header { flags, ..Header::default() }, segment)).collect()
}

/// Frames for a queue.
#[derive(Default)]
pub struct Waiting(VecDeque<Frame>);

impl Waiting {
    pub fn push(&mut self, frame: Frame, counters: &mut Counters) {
        if self.0.len() < PATIENT {
            self.0.push_back(frame);
        } else {
            counters.add(BASIC, basic::DROPS, 1);
            counters.add(BASIC, basic::DROPS_OF_BUFFERS, 1);
        }
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// What the buffers are filled with that there are, each with its room; `whole` is whether there can be no
    /// more of them.
    pub fn pieces(
        &mut self,
        mut rooms: &[u64],
        whole: bool,
        mergeable: bool,
        header: usize,
        counters: &mut Counters,
    ) -> VecDeque<Vec<u8>> {
        let mut pieces = VecDeque::new();
        while let Some(mut frame) = self.0.pop_front() {
            let len = (header + frame.bytes.len()) as u64;
            let (mut sum, mut count) = (0, 0);
            while let Some(room) = rooms.get(count).filter(|_| sum < len) {
                (sum, count) = (sum + room, count + 1);
            }
            let fits = sum >= len;
            let may_wait = !whole || !pieces.is_empty();
            if !fits && may_wait {
                self.0.push_front(frame);
                break;
            }
            if !fits || count > 1 && !mergeable {
                counters.add(BASIC, basic::DROPS, 1);
                counters.add(BASIC, basic::DROPS_OF_BUFFERS, 1);
                continue;
            }
            count_frame(&frame, counters);
            frame.header.num_buffers = count as u16;
            let bytes = frame.whole(header);
            let mut rest = &bytes[..];
            for room in &rooms[..count] {
                let (piece, more) = rest.split_at(rest.len().min(*room as usize));
                pieces.push_back(piece.to_vec());
                rest = more;
            }
            rooms = &rooms[count..];
        }
        pieces
    }
}

fn count_frame(frame: &Frame, counters: &mut Counters) {
    let len = frame.bytes.len();
    counters.add(BASIC, basic::PACKETS, 1);
    counters.add(BASIC, basic::BYTES, len);
    let kind = match frame.header.flags {
        flags if flags & DATA_VALID != 0 => 0,
        flags if flags & NEEDS_CSUM != 0 => 1,
        _ => 2,
    };
    counters.add(SUMS, kind, 1);
    if frame.header.is_gso() {
        counters.add(GSO, 0, 1);
        counters.add(GSO, 1, len);
    }
}
