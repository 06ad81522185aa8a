// SPDX-License-Identifier: GPL-2.0

//! What the header of a received frame says about segments, checked against the headers in the frame.

use super::{
    caps::RxCaps,
    parse::{
        self,
        IpVersion,
        Protocol,
        Transport, //
    },
    rx_meta::{
        GsoKind,
        Refused,
        RxCsum,
        RxGso,
        RxTunnel, //
    },
    spec::header::{
        flag,
        gso,
        Header, //
    }, //
};

/// Checks the segmentation fields of the header of a frame of `len` bytes, of which `head` are the
/// first. `flags` are those that were negotiated, and `csum` is what they say. Returns `None` if the
/// frame is a single segment.
///
/// # Errors
///
/// Any [`Refused`]: the frame must be dropped.
#[inline(never)]
pub(crate) fn check(
    header: Header,
    flags: u8,
    csum: RxCsum,
    len: u32,
    head: &[u8],
    caps: &RxCaps,
) -> Result<Option<RxGso>, Refused> {
    let gso_type = header.gso_type;
    let bad_type = Refused::GsoType { flags, gso_type };
    let bad_headers = Refused::Headers { gso_type };

    let kind = match gso_type & !(gso::ECN | gso::UDP_TUNNEL) {
        gso::TCPV4 if caps.tso4 => GsoKind::TcpV4,
        gso::TCPV6 if caps.tso6 => GsoKind::TcpV6,
        gso::UDP_L4 if caps.uso4 || caps.uso6 => GsoKind::UdpL4,
        gso::UDP if caps.ufo => GsoKind::Udp,
        _ => return Err(bad_type),
    };
    let ecn = gso_type & gso::ECN != 0;
    if ecn && !(caps.ecn && kind.protocol() == Protocol::Tcp) {
        return Err(bad_type);
    }

    let (version, network) = parse::network(head).ok_or(bad_headers)?;
    let outer = parse::transport(head, version, network).ok_or(bad_headers)?;
    let tunnel = match gso_type & gso::UDP_TUNNEL {
        0 => None,
        bits => {
            if !caps.tunnel || kind == GsoKind::Udp || flags & flag::DATA_VALID != 0 {
                return Err(bad_type);
            }
            let expected = match bits {
                gso::UDP_TUNNEL_IPV4 => IpVersion::V4,
                gso::UDP_TUNNEL_IPV6 => IpVersion::V6,
                _ => return Err(bad_type),
            };
            if version != expected {
                return Err(bad_headers);
            }
            let inner = inner_transport(&header, outer, head).ok_or(bad_headers)?;
            Some((inner, flags & flag::UDP_TUNNEL_CSUM != 0))
        }
    };
    let segmented = tunnel.map_or(outer, |(inner, _)| inner);

    if !kind.matches(segmented) || !kind.is_negotiated(segmented.version, caps) {
        return Err(bad_headers);
    }
    match csum {
        RxCsum::Partial { start, offset } => {
            if u32::from(start) != segmented.offset || offset != kind.protocol().csum_offset() {
                return Err(bad_headers);
            }
        }
        // The stack could not give each segment a checksum.
        _ if tunnel.is_some() || kind == GsoKind::UdpL4 => return Err(bad_type),
        _ => (),
    }

    let payload_at = segmented.offset + kind.protocol().min_header();
    let payload = len.checked_sub(payload_at).ok_or(bad_headers)?;
    if payload_at > head.len() as u32 {
        return Err(bad_headers);
    }
    let Some(size) = segment_size(kind, header.gso_size, payload)? else {
        return match tunnel {
            // Nobody would complete the outer checksum.
            Some((_, true)) => Err(Refused::GsoSize(header.gso_size)),
            _ => Ok(None),
        };
    };
    let offset = |transport: Transport| u16::try_from(transport.offset).map_err(|_| bad_headers);
    let tunnel = match tunnel {
        None => None,
        Some((inner, csum)) => Some(RxTunnel {
            csum,
            inner_version: inner.version,
            inner_network: header.inner_nh_offset,
            inner_transport: offset(inner)?,
        }),
    };
    Ok(Some(RxGso {
        kind,
        ecn,
        size,
        transport: offset(outer)?,
        tunnel,
    }))
}

/// Returns the transport header in a UDP tunnel, if it is where `header` has it.
fn inner_transport(header: &Header, outer: Transport, head: &[u8]) -> Option<Transport> {
    let network = u32::from(header.inner_nh_offset);
    if outer.protocol != Protocol::Udp
        || outer.offset != u32::from(header.outer_th_offset)
        || network < outer.offset + Protocol::Udp.min_header()
    {
        return None;
    }
    parse::transport(head, parse::version(head, network)?, network)
}

/// Returns how large segments are, or `None` if all payload is in one.
fn segment_size(kind: GsoKind, size: u16, payload: u32) -> Result<Option<u16>, Refused> {
    /// Value that means something else to the stack.
    const GSO_BY_FRAGS: u16 = u16::MAX;
    /// The least that the stack can work with.
    const TCP_MIN_GSO_SIZE: u16 = 8;
    const UDP_MAX_SEGMENTS: u32 = 128;

    if size == 0 || size == GSO_BY_FRAGS {
        return Err(Refused::GsoSize(size));
    }
    Ok(match kind {
        GsoKind::TcpV4 | GsoKind::TcpV6 => {
            let size = size.max(TCP_MIN_GSO_SIZE);
            (payload > size.into()).then_some(size)
        }
        GsoKind::UdpL4 if payload > u32::from(size) * UDP_MAX_SEGMENTS => {
            return Err(Refused::GsoSize(size));
        }
        GsoKind::UdpL4 => (payload > size.into()).then_some(size),
        // The first fragment has the transport header.
        GsoKind::Udp => (payload + Protocol::Udp.min_header() > size.into()).then_some(size),
    })
}

impl GsoKind {
    const fn protocol(self) -> Protocol {
        match self {
            Self::TcpV4 | Self::TcpV6 => Protocol::Tcp,
            Self::UdpL4 | Self::Udp => Protocol::Udp,
        }
    }

    fn matches(self, transport: Transport) -> bool {
        let version = match self {
            Self::TcpV4 => transport.version == IpVersion::V4,
            Self::TcpV6 => transport.version == IpVersion::V6,
            Self::UdpL4 | Self::Udp => true,
        };
        version && transport.protocol == self.protocol()
    }

    fn is_negotiated(self, version: IpVersion, caps: &RxCaps) -> bool {
        match (self, version) {
            (Self::UdpL4, IpVersion::V4) => caps.uso4,
            (Self::UdpL4, IpVersion::V6) => caps.uso6,
            _ => true,
        }
    }
}
