// SPDX-License-Identifier: GPL-2.0

//! What is in a frame: Ethernet, IPv4, IPv6, TCP and UDP.

/// The address of whoever the device answers for.
pub const FAR: [u8; 6] = [0x52, 0x54, 0, 0xfa, 0xfa, 0xfa];

pub const ETHERNET: usize = 14;
pub const TAG: usize = 4;

const VLAN: u16 = 0x8100;
const ARP: u16 = 0x0806;
const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Tcp,
    Udp,
}

impl Protocol {
    fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
        }
    }

    /// Where the checksum is in the header.
    pub fn csum(self) -> usize {
        match self {
            Self::Tcp => 16,
            Self::Udp => 6,
        }
    }
}

/// A TCP or UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transport {
    pub protocol: Protocol,
    /// Where it is, and where the payload is.
    pub at: usize,
    pub payload: usize,
}

/// An IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ip {
    pub at: usize,
    pub is_v4: bool,
    /// Where the packet ends: a frame may be longer.
    pub end: usize,
    /// Of what is not a fragment.
    pub transport: Option<Transport>,
}

/// Where everything is in a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub vlan: Option<u16>,
    pub kind: u16,
    pub ip: Option<Ip>,
}

pub fn word(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

pub fn put(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

impl Layout {
    /// Looks at a frame, which has an Ethernet header.
    pub fn of(frame: &[u8]) -> Self {
        let (mut at, mut vlan, mut kind) = (ETHERNET, None, word(frame, 12));
        if kind == VLAN && frame.len() >= ETHERNET + TAG {
            (at, vlan, kind) = (ETHERNET + TAG, Some(word(frame, 14) & 0xfff), word(frame, 16));
        }
        let ip = match kind {
            IPV4 => ipv4(frame, at),
            IPV6 => ipv6(frame, at),
            _ => None,
        };
        Self { vlan, kind, ip }
    }

    pub fn transport(&self) -> Option<(Ip, Transport)> {
        self.ip.and_then(|ip| ip.transport.map(|transport| (ip, transport)))
    }
}

fn ipv4(frame: &[u8], at: usize) -> Option<Ip> {
    let header = frame.get(at..).filter(|rest| rest.len() >= 20 && rest[0] >> 4 == 4)?;
    let len = 4 * usize::from(header[0] & 0xf);
    let end = at + usize::from(word(header, 2));
    let fine = len >= 20 && at + len <= end && end <= frame.len();
    let is_whole = word(header, 6) & 0x3fff == 0;
    let transport = fine.then(|| transport(frame, header[9], at + len, end)).flatten();
    fine.then_some(Ip { at, is_v4: true, end, transport: transport.filter(|_| is_whole) })
}

fn ipv6(frame: &[u8], at: usize) -> Option<Ip> {
    let header = frame.get(at..).filter(|rest| rest.len() >= 40 && rest[0] >> 4 == 6)?;
    let end = at + 40 + usize::from(word(header, 4));
    let transport = transport(frame, header[6], at + 40, end);
    (end <= frame.len()).then_some(Ip { at, is_v4: false, end, transport })
}

fn transport(frame: &[u8], number: u8, at: usize, end: usize) -> Option<Transport> {
    let header = frame.get(at..end)?;
    let (protocol, len) = match number {
        6 if header.len() >= 20 => (Protocol::Tcp, 4 * usize::from(header[12] >> 4)),
        17 if header.len() >= 8 => (Protocol::Udp, 8),
        _ => return None,
    };
    (at + len <= end && len >= 8).then_some(Transport { protocol, at, payload: at + len })
}

/// The sum that checksums are made of.
fn sum(bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]));
    pairs.map(u64::from).sum()
}

fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The sum of the pseudo-header of a packet with so many bytes from the transport header on.
pub fn pseudo(frame: &[u8], ip: Ip, transport: Transport, len: usize) -> u16 {
    let addresses = if ip.is_v4 { ip.at + 12..ip.at + 20 } else { ip.at + 8..ip.at + 40 };
    fold(sum(&frame[addresses]) + u64::from(transport.protocol.number()) + len as u64)
}

/// The checksum of bytes, one of which is a checksum or the sum of a pseudo-header: 0 if it is right.
pub fn checksum(bytes: &[u8], pseudo: u16) -> u16 {
    !fold(sum(bytes) + u64::from(pseudo))
}

/// Completes a checksum that covers `start..end` and has its sum of the pseudo-header.
pub fn complete(frame: &mut [u8], start: usize, end: usize, at: usize, protocol: Option<Protocol>) {
    let value = match checksum(&frame[start..end], 0) {
        // 0 would mean that there is none.
        0 if protocol != Some(Protocol::Tcp) => 0xffff,
        value => value,
    };
    put(frame, at, value);
}

/// What becomes of a frame that is sent.
#[derive(Debug, PartialEq, Eq)]
pub enum Fate {
    /// It comes back.
    Returns,
    /// The sender tells everybody about its address.
    Announces,
    /// Nobody answers.
    Ends,
}

/// Makes a frame to whoever the device answers for one that comes from there: its addresses are swapped, so that
/// sender and receiver of TCP, UDP and ICMP are the same system. Questions for addresses are answered.
pub fn turn(frame: &mut [u8], layout: &Layout) -> Fate {
    let to_all = frame[0] & 1 != 0;
    let sender: [u8; 6] = frame[6..12].try_into().expect("six bytes");
    let target: [u8; 6] = frame[..6].try_into().expect("six bytes");
    let at = if layout.vlan.is_some() { ETHERNET + TAG } else { ETHERNET };
    if layout.kind == ARP {
        return answer(frame, at, sender);
    }
    if to_all {
        return Fate::Ends;
    }
    frame[..6].copy_from_slice(&sender);
    frame[6..12].copy_from_slice(&target);
    if let Some(ip) = layout.ip {
        let (first, len) = if ip.is_v4 { (ip.at + 12, 4) } else { (ip.at + 8, 16) };
        let (from, to) = frame[first..first + 2 * len].split_at_mut(len);
        from.swap_with_slice(to);
    }
    Fate::Returns
}

/// Answers a question for the Ethernet address of an IPv4 address.
fn answer(frame: &mut [u8], at: usize, sender: [u8; 6]) -> Fate {
    let Some(arp) = frame.get_mut(at..at + 28) else { return Fate::Ends };
    if arp[14..18] == arp[24..28] {
        return Fate::Announces;
    }
    // An answer, or a question by somebody who has no address yet.
    if arp[6..8] != [0, 1] || arp[14..18] == [0; 4] {
        return Fate::Ends;
    }
    let (from, to): ([u8; 10], [u8; 4]) =
        (arp[8..18].try_into().expect("ten bytes"), arp[24..28].try_into().expect("four bytes"));
    arp[7] = 2;
    arp[8..14].copy_from_slice(&FAR);
    arp[14..18].copy_from_slice(&to);
    arp[18..28].copy_from_slice(&from);
    frame[..6].copy_from_slice(&sender);
    frame[6..12].copy_from_slice(&FAR);
    Fate::Returns
}

/// Makes frames with payloads of `size` bytes out of one. All checksums are completed.
pub fn segment(frame: &[u8], (ip, transport): (Ip, Transport), size: usize) -> Vec<Vec<u8>> {
    let (headers, payload) = frame[..ip.end].split_at(transport.payload);
    let count = payload.len().div_ceil(size);
    let segments = payload.chunks(size).enumerate().map(|(index, part)| {
        let mut segment = [headers, part].concat();
        if ip.is_v4 {
            put(&mut segment, ip.at + 2, (headers.len() - ip.at + part.len()) as u16);
            let id = word(headers, ip.at + 4).wrapping_add(index as u16);
            put(&mut segment, ip.at + 4, id);
            put(&mut segment, ip.at + 10, 0);
            let value = checksum(&segment[ip.at..transport.at], 0);
            put(&mut segment, ip.at + 10, value);
        } else {
            put(&mut segment, ip.at + 4, (headers.len() - ip.at - 40 + part.len()) as u16);
        }
        let at = transport.at;
        match transport.protocol {
            Protocol::Tcp => {
                let sequence = u32::from_be_bytes(headers[at + 4..at + 8].try_into().expect("four bytes"));
                let sequence = sequence.wrapping_add((index * size) as u32);
                segment[at + 4..at + 8].copy_from_slice(&sequence.to_be_bytes());
                // CWR is for the first one, FIN and PSH for the last.
                let clear = if index > 0 { 0x80 } else { 0 } | if index + 1 < count { 0x09 } else { 0 };
                segment[at + 13] &= !clear;
            }
            Protocol::Udp => put(&mut segment, at + 4, (8 + part.len()) as u16),
        }
        let (end, csum) = (segment.len(), at + transport.protocol.csum());
        let pseudo = pseudo(&segment, ip, transport, end - at);
        put(&mut segment, csum, pseudo);
        complete(&mut segment, at, end, csum, Some(transport.protocol));
        segment
    });
    segments.collect()
}
