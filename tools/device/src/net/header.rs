// SPDX-License-Identifier: GPL-2.0

//! The header before each frame (virtio 1.4, 5.1.6): what a driver may say in it.

use super::packet::{self, Layout, Protocol};
use crate::{
    breach::{Breach, Findings, require},
    spec::net::{CSUM, GUEST_HDRLEN, HASH_REPORT, HOST_ECN, HOST_TSO4, HOST_TSO6, HOST_USO, MTU},
};

pub const NEEDS_CSUM: u8 = 1;
pub const DATA_VALID: u8 = 2;
const RSC_INFO: u8 = 4;
const UDP_TUNNEL_CSUM: u8 = 8;

pub const TCPV4: u8 = 1;
const UDP: u8 = 3;
pub const TCPV6: u8 = 4;
pub const UDP_L4: u8 = 5;
const TUNNELS: u8 = 0x60;
pub const ECN: u8 = 0x80;

/// The fields that all headers have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub flags: u8,
    pub gso_type: u8,
    pub hdr_len: u16,
    pub gso_size: u16,
    pub csum_start: u16,
    pub csum_offset: u16,
    pub num_buffers: u16,
}

/// How long headers are.
pub fn len(features: u128) -> usize {
    if features >> HASH_REPORT & 1 != 0 { 20 } else { 12 }
}

impl Header {
    /// The header in these bytes, of which there must be at least twelve.
    pub fn parse(bytes: &[u8]) -> Self {
        let word = |at: usize| u16::from_le_bytes([bytes[at], bytes[at + 1]]);
        Self {
            flags: bytes[0],
            gso_type: bytes[1],
            hdr_len: word(2),
            gso_size: word(4),
            csum_start: word(6),
            csum_offset: word(8),
            num_buffers: word(10),
        }
    }

    /// Its bytes, in a header of `len` bytes.
    pub fn bytes(&self, len: usize) -> Vec<u8> {
        let words = [self.hdr_len, self.gso_size, self.csum_start, self.csum_offset, self.num_buffers];
        let mut bytes = [&[self.flags, self.gso_type][..], &words.map(u16::to_le_bytes).concat()].concat();
        bytes.resize(len, 0);
        bytes
    }

    pub fn is_gso(&self) -> bool {
        self.gso_type != 0
    }

    /// Checks the header of a frame that is sent. Returns whether it makes sense.
    pub fn check(&self, frame: &[u8], features: u128, mtu: Option<u16>, findings: &mut Findings) -> bool {
        let has = |bit: u32| features >> bit & 1 != 0;
        let layout = Layout::of(frame);
        let mut fine = true;
        let mut check = |met: bool, id, what: &str| {
            let told = || format!("{what}: {self:x?} of {} bytes", frame.len());
            fine &= findings.check(require(met, id, told));
        };
        check(self.num_buffers == 0, "NET-16", "num_buffers");
        let partial = self.flags & NEEDS_CSUM != 0;
        check(self.flags & (DATA_VALID | RSC_INFO) == 0, "NET-52", "flags");
        check(self.flags & UDP_TUNNEL_CSUM == 0, "NET-35", "flags");
        check(has(CSUM) || self.flags == 0, "NET-17", "flags");
        let any = [HOST_TSO4, HOST_TSO6, HOST_USO].into_iter().any(has);
        check(any || !self.is_gso(), "NET-43", "gso_type");
        check(self.gso_type & TUNNELS == 0, "NET-31", "gso_type");
        let base = self.gso_type & !ECN & !TUNNELS;
        check(base != TCPV4 || has(HOST_TSO4), "NET-21", "gso_type");
        check(base != TCPV6 || has(HOST_TSO6), "NET-23", "gso_type");
        check(base != UDP && matches!(base, 0 | TCPV4 | TCPV6 | UDP_L4), "NET-25", "gso_type");
        check(base != UDP_L4 || has(HOST_USO), "NET-27", "gso_type");
        check(!self.is_gso() || partial, "NET-44", "flags");
        let ecn = self.gso_type & ECN != 0;
        check(!ecn || has(HOST_ECN), "NET-28", "gso_type");
        if let (Some((_, transport)), true) = (layout.transport(), self.is_gso()) {
            let cwr = transport.protocol == Protocol::Tcp && frame[transport.at + 13] & 0x80 != 0;
            check(!cwr || ecn, if has(HOST_ECN) { "NET-29" } else { "NET-28" }, "gso_type");
            check(self.gso_size > 0, "NET-45", "gso_size");
            let (told, headers) = (usize::from(self.hdr_len), transport.payload);
            if has(GUEST_HDRLEN) {
                check(told == headers, "NET-46", "hdr_len");
            } else {
                check(told >= headers, "NET-47", "hdr_len");
            }
        } else {
            check(!self.is_gso(), "NET-42", "no TCP or UDP");
            let most = usize::from(mtu.filter(|_| has(MTU)).unwrap_or(u16::MAX));
            let most = most + packet::ETHERNET + layout.vlan.map_or(0, |_| packet::TAG);
            check(frame.len() <= most, "NET-09", "a frame");
        }
        fine & self.check_sums(frame, &layout, partial, findings)
    }

    /// Checks what of the checksums the device does not make.
    fn check_sums(&self, frame: &[u8], layout: &Layout, partial: bool, findings: &mut Findings) -> bool {
        let (start, offset) = (usize::from(self.csum_start), usize::from(self.csum_offset));
        let fits = !partial || start + offset + 2 <= frame.len();
        let mut fine = true;
        let mut check = |result: Result<(), Breach>| fine &= findings.check(result);
        check(require(fits, "NET-42", || format!("a checksum at {start} + {offset} of {}", frame.len())));
        let Some(ip) = layout.ip else { return fine };
        if ip.is_v4 {
            let header = &frame[ip.at..ip.at + 4 * usize::from(frame[ip.at] & 0xf)];
            let right = packet::checksum(header, 0) == 0;
            check(require(right, "NET-40", || "the checksum of an IPv4 header".into()));
        }
        let Some((ip, transport)) = layout.transport() else { return fine };
        let at = transport.at + transport.protocol.csum();
        let stored = packet::word(frame, at);
        let pseudo = packet::pseudo(frame, ip, transport, ip.end - transport.at);
        if partial && fits {
            let place = (start, offset) == (transport.at, transport.protocol.csum());
            check(require(place, "NET-42", || format!("a checksum at {start} + {offset}, not at {at}")));
            check(require(stored == pseudo, "NET-41", || {
                format!("{stored:#x} of a pseudo-header, not {pseudo:#x}")
            }));
        } else if !partial {
            let none = transport.protocol == Protocol::Udp && stored == 0;
            let right = none || packet::checksum(&frame[transport.at..ip.end], pseudo) == 0;
            check(require(right, "NET-18", || {
                format!("{stored:#x} is no checksum of {} bytes", frame.len())
            }));
        }
        fine
    }
}
