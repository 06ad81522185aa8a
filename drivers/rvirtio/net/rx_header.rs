// SPDX-License-Identifier: GPL-2.0

//! What the header of a received frame says, checked: a pure function, fuzzed on the host.
//!
//! Nothing that a device writes is trusted. [`check`] gets a copy of the header and the bytes of
//! the frame that its caller has made linear, and allows only what was negotiated and what those
//! bytes show to be so. It is at least as strict as C is, with one exception, which the
//! specification asks for: flags that were not negotiated are ignored.
//!
//! C version: [`include/linux/virtio_net.h`](srctree/include/linux/virtio_net.h)

use super::{
    caps::RxCaps,
    parse::{
        self,
        IpVersion,
        Protocol,
        Transport, //
    },
    spec::{
        header::{
            flag,
            gso,
            hash_report,
            Header, //
        },
        ETHERNET_HEADER,
    }, //
};
use core::fmt;

/// What is known of a received frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RxMeta {
    pub(crate) csum: RxCsum,
    pub(crate) gso: Option<RxGso>,
    pub(crate) hash: Option<RxHash>,
}

/// What is known of the checksum of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum RxCsum {
    /// Nothing: the stack has to check it.
    #[default]
    None,
    /// The device checked it, and those of this many headers before it.
    Unnecessary { level: u8 },
    /// It is partial. Offsets are those of the specification.
    Partial { start: u16, offset: u16 },
}

/// How to segment a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RxGso {
    pub(crate) kind: GsoKind,
    pub(crate) ecn: bool,
    /// Payload of a segment in bytes.
    pub(crate) size: u16,
    /// Where the transport header is: the outer one of a tunnel.
    pub(crate) transport: u16,
    pub(crate) tunnel: Option<RxTunnel>,
}

/// Ways of segmentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GsoKind {
    TcpV4,
    TcpV6,
    /// Segments.
    UdpL4,
    /// Fragments.
    Udp,
}

/// The headers in a UDP tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RxTunnel {
    /// The outer header has a checksum, which is partial.
    pub(crate) csum: bool,
    pub(crate) inner_version: IpVersion,
    pub(crate) inner_network: u16,
    pub(crate) inner_transport: u16,
}

/// The hash of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RxHash {
    pub(crate) value: u32,
    /// It is of ports, too.
    pub(crate) has_ports: bool,
}

/// Why a frame is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It has not even an Ethernet header.
    Short(u32),
    /// The checksum fields make no sense.
    Csum { flags: u8, start: u16, offset: u16 },
    /// The segmentation type is unknown, not negotiated, or not possible with these flags.
    GsoType { flags: u8, gso_type: u8 },
    /// The segment size is not possible.
    GsoSize(u16),
    /// The headers of the frame are not those of the segmentation type.
    Headers { gso_type: u8 },
    /// There is no such hash.
    Hash(u16),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Short(len) => write!(f, "frame of {len} bytes"),
            Self::Csum {
                flags,
                start,
                offset,
            } => write!(f, "bad checksum: flags {flags:#x}, {start} + {offset}"),
            Self::GsoType { flags, gso_type } => {
                write!(f, "bad GSO type {gso_type:#x} with flags {flags:#x}")
            }
            Self::GsoSize(size) => write!(f, "bad GSO size {size}"),
            Self::Headers { gso_type } => {
                write!(f, "headers do not match GSO type {gso_type:#x}")
            }
            Self::Hash(report) => write!(f, "bad hash report {report}"),
        }
    }
}

/// How much of a frame is made linear when its headers have to be searched.
const SEARCH_LEN: u32 = 192;

/// The largest number of bytes that are made linear because of the checksum fields.
const MAX_LINEAR: u32 = 2048;

/// Returns how many bytes of a frame of `len` bytes have to be linear for [`check`], so that all
/// headers are and, as far as possible, no payload is.
///
/// `peek` returns a byte of the frame. It serves as a hint only.
pub(crate) fn linear_len(
    header: &Header,
    len: u32,
    caps: &RxCaps,
    peek: impl FnOnce(u32) -> Option<u8>,
) -> u32 {
    let end = if negotiated_flags(header, caps) & flag::NEEDS_CSUM != 0 {
        let start = u32::from(header.csum_start);
        let offset = u32::from(header.csum_offset);
        let csum_end = start + offset + 2;
        if header.csum_offset == Protocol::Tcp.csum_offset() {
            // The length of the TCP header in words is in the upper half of a byte of it.
            let words = u32::from(peek(start + 12).unwrap_or(0) >> 4);
            csum_end.max(start + (4 * words).max(Protocol::Tcp.min_header()))
        } else {
            csum_end.max(start + Protocol::Udp.min_header())
        }
    } else if header.gso_type != gso::NONE {
        SEARCH_LEN
    } else {
        // The rest of the headers is left to GRO, which can then merge what follows.
        ETHERNET_HEADER
    };
    end.clamp(ETHERNET_HEADER, MAX_LINEAR).min(len)
}

/// Checks the header of a frame of `len` bytes, of which `head` are the first.
///
/// `head` must be memory that the device cannot write, or has no reason to: what is found there
/// is what the stack works with.
///
/// # Errors
///
/// Any [`Refused`]: the frame must be dropped.
#[doc(alias = "virtio_net_hdr_to_skb")]
#[doc(alias = "virtio_net_hdr_tnl_to_skb")]
#[doc(alias = "virtio_net_handle_csum_offload")]
#[inline]
pub(crate) fn check(
    header: &Header,
    len: u32,
    head: &[u8],
    caps: &RxCaps,
) -> Result<RxMeta, Refused> {
    if len < ETHERNET_HEADER || head.len() < ETHERNET_HEADER as usize {
        return Err(Refused::Short(len));
    }
    let flags = negotiated_flags(header, caps);
    let csum = csum(header, flags, head)?;
    let gso = match header.gso_type {
        gso::NONE => None,
        // A copy, so that the header of other frames need not be in memory.
        _ => gso(*header, flags, csum, len, head, caps)?,
    };
    let hash = if caps.hash { hash(header)? } else { None };
    Ok(RxMeta { csum, gso, hash })
}

/// Returns the flags that were negotiated.
#[inline]
pub(crate) fn negotiated_flags(header: &Header, caps: &RxCaps) -> u8 {
    let mut known = 0;
    if caps.csum {
        known |= flag::NEEDS_CSUM | flag::DATA_VALID | flag::RSC_INFO;
    }
    if caps.tunnel_csum {
        known |= flag::UDP_TUNNEL_CSUM;
    }
    header.flags & known
}

#[inline]
fn csum(header: &Header, flags: u8, head: &[u8]) -> Result<RxCsum, Refused> {
    let (start, offset) = (header.csum_start, header.csum_offset);
    let refused = Err(Refused::Csum {
        flags,
        start,
        offset,
    });
    let tunnel = header.gso_type & gso::UDP_TUNNEL != 0;
    let outer = flags & flag::UDP_TUNNEL_CSUM != 0;
    if flags & flag::NEEDS_CSUM == 0 {
        return Ok(match flags & flag::DATA_VALID {
            0 => RxCsum::None,
            _ => RxCsum::Unnecessary {
                level: outer.into(),
            },
        });
    }
    // With RSC_INFO the fields hold something else, and without a tunnel there is no such flag.
    if flags & flag::RSC_INFO != 0 || (outer && !tunnel) {
        return refused;
    }
    // The sum of two 16-bit numbers does not wrap.
    let end = u32::from(start).wrapping_add(offset.into()).wrapping_add(2);
    let network = ETHERNET_HEADER + IpVersion::V4.min_header();
    if u32::from(start) < network || end > head.len() as u32 {
        return refused;
    }
    Ok(RxCsum::Partial { start, offset })
}

#[inline(never)]
fn gso(
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

fn hash(header: &Header) -> Result<Option<RxHash>, Refused> {
    use hash_report::*;
    let has_ports = match header.hash_report {
        NONE => return Ok(None),
        IPV4 | IPV6 | IPV6_EX => false,
        TCPV4 | UDPV4 | TCPV6 | UDPV6 | TCPV6_EX | UDPV6_EX => true,
        unknown => return Err(Refused::Hash(unknown)),
    };
    Ok(Some(RxHash {
        value: header.hash_value,
        has_ports,
    }))
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

#[cfg(test)]
mod tests;
