// SPDX-License-Identifier: GPL-2.0

//! The header of a frame to send: a pure function of what the stack says about the frame.
//!
//! C version: [`include/linux/virtio_net.h`](srctree/include/linux/virtio_net.h)

use super::{
    caps::TxCaps,
    parse::{
        IpVersion,
        Protocol, //
    },
    spec::header::{
        flag,
        gso,
        Header,
        MAX_LEN, //
    }, //
};

/// What the stack says about a frame. Offsets count from the start of the frame, in bytes.
#[cfg(test)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TxFrame {
    /// Length of the frame.
    pub(crate) len: u32,
    /// How much of it is linear, which are the headers and maybe more.
    pub(crate) linear: u32,
    /// Where a partial checksum starts, and where it is stored from there on.
    pub(crate) csum: Option<(u32, u32)>,
    pub(crate) gso: Option<TxGso>,
}

/// How to segment a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TxGso {
    pub(crate) kind: TxGsoKind,
    pub(crate) ecn: bool,
    /// Payload of a segment in bytes.
    pub(crate) size: u32,
    /// Length of all headers.
    pub(crate) headers: u32,
    pub(crate) tunnel: Option<TxTunnel>,
}

/// Ways of segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TxGsoKind {
    TcpV4,
    TcpV6,
    UdpL4,
}

/// The headers of a UDP tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TxTunnel {
    pub(crate) outer_version: IpVersion,
    /// The outer header has a checksum, which is partial.
    pub(crate) csum: bool,
    pub(crate) outer_transport: u32,
    pub(crate) inner_network: u32,
}

/// Returns the header for `frame`.
///
/// `None` if the frame cannot be sent to this device: it needs something that was not
/// negotiated, or contradicts itself. The stack sends no such frames, unless someone else has
/// made them.
#[doc(alias = "virtio_net_hdr_from_skb")]
#[doc(alias = "virtio_net_hdr_tnl_from_skb")]
#[cfg(test)]
pub(crate) fn tx_header(frame: &TxFrame, caps: &TxCaps) -> Option<Header> {
    let header = plain(frame.len, frame.csum, caps)?;
    match &frame.gso {
        Some(gso) => segmented(header, frame.linear, gso, caps),
        None => Some(header),
    }
}

/// Returns the header for a frame of `len` bytes that is not to be segmented. With a partial
/// checksum, `csum` is where that starts, and where it is stored from there on.
#[inline]
pub(crate) fn plain(len: u32, csum: Option<(u32, u32)>, caps: &TxCaps) -> Option<Header> {
    let Some(csum) = csum else {
        return Some(Header::default());
    };
    let (csum_start, csum_offset) = partial(len, csum, caps)?;
    Some(Header {
        flags: flag::NEEDS_CSUM,
        csum_start,
        csum_offset,
        ..Header::default()
    })
}

/// Returns the words of the [`plain`] header of a frame. Most frames have one, and a structure of small
/// fields costs more than what is in it.
#[inline]
pub(crate) fn plain_words(
    len: u32,
    csum: Option<(u32, u32)>,
    caps: &TxCaps,
) -> Option<[u64; MAX_LEN / 8]> {
    let Some(csum) = csum else {
        return Some([0; MAX_LEN / 8]);
    };
    let (start, offset) = partial(len, csum, caps)?;
    let first = u64::from(flag::NEEDS_CSUM) | u64::from(start) << 48;
    Some([first, offset.into(), 0])
}

/// Returns the fields for a partial checksum of a frame of `len` bytes.
#[inline]
fn partial(len: u32, (start, offset): (u32, u32), caps: &TxCaps) -> Option<(u16, u16)> {
    let fields = (u16::try_from(start).ok()?, u16::try_from(offset).ok()?);
    // Does not wrap: the sum of two 16-bit numbers.
    let end = start.wrapping_add(offset).wrapping_add(2);
    (caps.csum && end <= len).then_some(fields)
}

/// Adds to the [`plain`] header of a frame, of which `linear` bytes are linear, how to segment it.
#[inline(always)]
pub(crate) fn segmented(plain: Header, linear: u32, gso: &TxGso, caps: &TxCaps) -> Option<Header> {
    let (base, negotiated, protocol) = match gso.kind {
        TxGsoKind::TcpV4 => (gso::TCPV4, caps.tso4, Protocol::Tcp),
        TxGsoKind::TcpV6 => (gso::TCPV6, caps.tso6, Protocol::Tcp),
        TxGsoKind::UdpL4 => (gso::UDP_L4, caps.uso, Protocol::Udp),
    };
    let csum_ok = plain.flags & flag::NEEDS_CSUM != 0
        && plain.csum_offset == protocol.csum_offset()
        && u32::from(plain.csum_start).checked_add(protocol.min_header())? <= gso.headers;
    if !negotiated || !csum_ok || gso.size == 0 || gso.headers > linear {
        return None;
    }
    if gso.ecn && !(caps.ecn && protocol == Protocol::Tcp) {
        return None;
    }
    let ecn = if gso.ecn { gso::ECN } else { 0 };
    // Only a hint, unless the device wants to know.
    let hdr_len = if caps.exact_hdr_len {
        gso.headers
    } else {
        linear
    };
    let tunnel = match &gso.tunnel {
        Some(tunnel) => self::tunnel(plain.csum_start, tunnel, caps)?,
        None => Tunnel::default(),
    };
    Some(Header {
        flags: plain.flags | tunnel.flags,
        gso_type: base | ecn | tunnel.gso_type,
        hdr_len: u16::try_from(hdr_len).ok()?,
        gso_size: u16::try_from(gso.size).ok()?,
        outer_th_offset: tunnel.outer_th_offset,
        inner_nh_offset: tunnel.inner_nh_offset,
        ..plain
    })
}

/// What the header says of a tunnel.
#[derive(Default)]
struct Tunnel {
    flags: u8,
    gso_type: u8,
    outer_th_offset: u16,
    inner_nh_offset: u16,
}

fn tunnel(csum_start: u16, tunnel: &TxTunnel, caps: &TxCaps) -> Option<Tunnel> {
    let in_order = tunnel.outer_transport.checked_add(8)? <= tunnel.inner_network
        && tunnel.inner_network < u32::from(csum_start);
    if !caps.tunnel || (tunnel.csum && !caps.tunnel_csum) || !in_order {
        return None;
    }
    Some(Tunnel {
        flags: if tunnel.csum {
            flag::UDP_TUNNEL_CSUM
        } else {
            0
        },
        gso_type: match tunnel.outer_version {
            IpVersion::V4 => gso::UDP_TUNNEL_IPV4,
            IpVersion::V6 => gso::UDP_TUNNEL_IPV6,
        },
        outer_th_offset: u16::try_from(tunnel.outer_transport).ok()?,
        inner_nh_offset: u16::try_from(tunnel.inner_network).ok()?,
    })
}

#[cfg(test)]
mod header_tests;
