// SPDX-License-Identifier: GPL-2.0

//! What C's driver decides about a frame: `virtio_net_handle_csum_offload`, then
//! `virtio_net_hdr_tnl_to_skb`.

use super::spec::header::{
    flag,
    gso,
    Header, //
};

/// The state of the socket buffer that C passes to the stack.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Skb {
    /// `CHECKSUM_UNNECESSARY`, with its level.
    pub(super) checked: Option<u8>,
    /// `CHECKSUM_PARTIAL`.
    pub(super) partial: Option<(u16, u16)>,
    pub(super) transport: Option<usize>,
    /// `gso_size`, if there is one.
    pub(super) gso_size: Option<u16>,
    /// Inner network and transport header.
    pub(super) inner: Option<(usize, usize)>,
}

/// Returns `None` if C drops the frame.
pub(super) fn decide(h: &Header, frame: &[u8], tunnel: bool, tunnel_csum: bool) -> Option<Skb> {
    let mut skb = Skb::default();
    let in_tunnel = h.gso_type & gso::UDP_TUNNEL;
    let checked = h.flags & flag::DATA_VALID != 0;
    match (in_tunnel, checked) {
        (_, false) => (),
        (0, true) => {
            let outer = h.flags & flag::UDP_TUNNEL_CSUM != 0;
            if outer && !tunnel_csum {
                return None;
            }
            skb.checked = Some(outer.into());
        }
        (_, true) => return None,
    }
    if in_tunnel == 0 {
        plain(h, h.gso_type, frame, &mut skb)?;
        return Some(skb);
    }

    if !tunnel || in_tunnel == gso::UDP_TUNNEL || h.flags & flag::NEEDS_CSUM == 0 {
        return None;
    }
    let kind = h.gso_type & !(gso::ECN | gso::UDP_TUNNEL);
    if kind == 0 || kind == gso::UDP {
        return None;
    }
    let smallest = |v6| if v6 { 40 } else { 20 };
    let (outer, network, transport) = (
        usize::from(h.outer_th_offset),
        usize::from(h.inner_nh_offset),
        usize::from(h.csum_start),
    );
    if outer < 14 + smallest(in_tunnel == gso::UDP_TUNNEL_IPV6)
        || network < outer + 8
        || transport < network + smallest(kind == gso::TCPV6)
    {
        return None;
    }
    plain(h, h.gso_type & !gso::UDP_TUNNEL, frame, &mut skb)?;
    if kind == gso::UDP_L4 && transport < network + smallest(frame[network] >> 4 == 6) {
        return None;
    }
    if h.flags & flag::UDP_TUNNEL_CSUM != 0 && !tunnel_csum {
        return None;
    }
    skb.inner = Some((network, transport));
    skb.transport = Some(outer);
    Some(skb)
}

fn plain(h: &Header, gso_type: u8, frame: &[u8], skb: &mut Skb) -> Option<()> {
    let base = gso_type & !gso::ECN;
    // Protocol, its smallest header, and the smallest network header.
    let (protocol, header, mut network) = match (gso_type, base) {
        (0, _) => (0, 0, 20),
        (_, gso::TCPV4) => (6, 20, 20),
        (_, gso::TCPV6) => (6, 20, 40),
        (_, gso::UDP | gso::UDP_L4) => (17, 8, 20),
        _ => return None,
    };
    if gso_type != 0 && h.gso_size == 0 {
        return None;
    }

    let mut headers = 0;
    if h.flags & flag::NEEDS_CSUM != 0 {
        let (start, offset) = (usize::from(h.csum_start), usize::from(h.csum_offset));
        if start + header.max(offset + 2) > frame.len() || start < network {
            return None;
        }
        skb.checked = None;
        skb.partial = Some((h.csum_start, h.csum_offset));
        skb.transport = Some(start);
        network = start;
        headers = network + header;
    } else if gso_type != 0 {
        let (v6, found, at) = dissect(frame)?;
        headers = at + header;
        let version = match base {
            gso::TCPV4 => !v6,
            gso::TCPV6 => v6,
            _ => true,
        };
        if found != protocol || !version {
            return None;
        }
        skb.transport = Some(at);
    }
    if headers > frame.len() {
        return None;
    }
    if gso_type == 0 {
        return Some(());
    }

    let mut size = h.gso_size;
    match base {
        gso::UDP => headers -= header,
        gso::UDP_L4 => {
            let csum = h.flags & flag::NEEDS_CSUM != 0 && h.csum_offset == 6;
            if !csum || frame.len() - headers > usize::from(size) * 128 || gso_type != base {
                return None;
            }
        }
        _ => {
            if skb.partial.is_some() && h.csum_offset != 16 {
                return None;
            }
            size = size.max(8);
        }
    }
    if size == 0xffff {
        return None;
    }
    if frame.len() - headers > size.into() {
        skb.gso_size = Some(size);
    }
    Some(())
}

/// The flow dissector, as far as frames of IP behind VLAN tags go: returns whether it is version
/// 6, the protocol, and where its header is.
fn dissect(frame: &[u8]) -> Option<(bool, u8, usize)> {
    let mut at = 14;
    let mut kind = frame.get(12..14)?;
    while kind == [0x81, 0x00] || kind == [0x88, 0xa8] {
        kind = frame.get(at + 2..at + 4)?;
        at += 4;
    }
    let ip = frame.get(at..)?;
    match *kind {
        [0x08, 0x00] => {
            let header = 4 * usize::from(ip.first()? & 0xf);
            if header < 20 || ip.len() < 20 {
                return None;
            }
            Some((false, ip[9], at + header))
        }
        [0x86, 0xdd] => {
            let mut next = *ip.get(6)?;
            let mut len = 40;
            while matches!(next, 0 | 43 | 60) {
                let extension = ip.get(len..len + 2)?;
                next = extension[0];
                len += 8 * (usize::from(extension[1]) + 1);
            }
            (ip.len() >= 40).then_some((true, next, at + len))
        }
        _ => None,
    }
}
