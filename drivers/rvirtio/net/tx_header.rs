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
        Header, //
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
    let mut header = Header::default();
    if let Some((start, offset)) = csum {
        header.flags = flag::NEEDS_CSUM;
        header.csum_start = u16::try_from(start).ok()?;
        header.csum_offset = u16::try_from(offset).ok()?;
        // Does not wrap: the sum of two 16-bit numbers.
        let end = start.wrapping_add(offset).wrapping_add(2);
        if !caps.csum || end > len {
            return None;
        }
    }
    Some(header)
}

/// Adds to the [`plain`] header of a frame, of which `linear` bytes are linear, how to segment it.
pub(crate) fn segmented(plain: Header, linear: u32, gso: &TxGso, caps: &TxCaps) -> Option<Header> {
    let mut header = plain;
    segmentation(&mut header, linear, gso, caps)?;
    Some(header)
}

fn segmentation(header: &mut Header, linear: u32, gso: &TxGso, caps: &TxCaps) -> Option<()> {
    let (base, negotiated, protocol) = match gso.kind {
        TxGsoKind::TcpV4 => (gso::TCPV4, caps.tso4, Protocol::Tcp),
        TxGsoKind::TcpV6 => (gso::TCPV6, caps.tso6, Protocol::Tcp),
        TxGsoKind::UdpL4 => (gso::UDP_L4, caps.uso, Protocol::Udp),
    };
    let csum_ok = header.flags & flag::NEEDS_CSUM != 0
        && header.csum_offset == protocol.csum_offset()
        && u32::from(header.csum_start).checked_add(protocol.min_header())? <= gso.headers;
    if !negotiated || !csum_ok || gso.size == 0 || gso.headers > linear {
        return None;
    }
    header.gso_type = base;
    header.gso_size = u16::try_from(gso.size).ok()?;
    if gso.ecn {
        if !caps.ecn || protocol != Protocol::Tcp {
            return None;
        }
        header.gso_type |= gso::ECN;
    }
    // Only a hint, unless the device wants to know.
    let hdr_len = if caps.exact_hdr_len {
        gso.headers
    } else {
        linear
    };
    header.hdr_len = u16::try_from(hdr_len).ok()?;
    match &gso.tunnel {
        Some(tunnel) => self::tunnel(header, tunnel, caps),
        None => Some(()),
    }
}

fn tunnel(header: &mut Header, tunnel: &TxTunnel, caps: &TxCaps) -> Option<()> {
    let inner_transport = u32::from(header.csum_start);
    let in_order = tunnel.outer_transport.checked_add(8)? <= tunnel.inner_network
        && tunnel.inner_network < inner_transport;
    if !caps.tunnel || (tunnel.csum && !caps.tunnel_csum) || !in_order {
        return None;
    }
    header.gso_type |= match tunnel.outer_version {
        IpVersion::V4 => gso::UDP_TUNNEL_IPV4,
        IpVersion::V6 => gso::UDP_TUNNEL_IPV6,
    };
    if tunnel.csum {
        header.flags |= flag::UDP_TUNNEL_CSUM;
    }
    header.outer_th_offset = u16::try_from(tunnel.outer_transport).ok()?;
    header.inner_nh_offset = u16::try_from(tunnel.inner_network).ok()?;
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: TxCaps = TxCaps {
        csum: true,
        tso4: true,
        tso6: true,
        ecn: true,
        uso: true,
        tunnel: true,
        tunnel_csum: true,
        exact_hdr_len: true,
    };

    const TSO: TxFrame = TxFrame {
        len: 3054,
        linear: 66,
        csum: Some((34, 16)),
        gso: Some(TxGso {
            kind: TxGsoKind::TcpV4,
            ecn: false,
            size: 1448,
            headers: 54,
            tunnel: None,
        }),
    };

    #[test]
    fn plain_frame_has_an_empty_header() {
        let frame = TxFrame {
            len: 60,
            linear: 60,
            ..TxFrame::default()
        };
        let header = tx_header(&frame, &TxCaps::default());
        assert_eq!(header, Some(Header::default()));
    }

    #[test]
    fn segmentation_of_tcp() {
        let header = Header {
            flags: flag::NEEDS_CSUM,
            gso_type: gso::TCPV4,
            hdr_len: 54,
            gso_size: 1448,
            csum_start: 34,
            csum_offset: 16,
            ..Header::default()
        };
        assert_eq!(tx_header(&TSO, &ALL), Some(header));
        // covers: NET-47
        let caps = TxCaps {
            exact_hdr_len: false,
            ..ALL
        };
        let hdr_len = tx_header(&TSO, &caps).map(|header| header.hdr_len);
        assert_eq!(hdr_len, Some(66));
    }

    #[test]
    fn tunnel_has_offsets_of_both_headers() {
        let tunnel = TxTunnel {
            outer_version: IpVersion::V6,
            csum: true,
            outer_transport: 54,
            inner_network: 84,
        };
        let frame = |tunnel, inner| TxFrame {
            len: 4000,
            linear: 200,
            csum: Some((inner, 6)),
            gso: Some(TxGso {
                kind: TxGsoKind::UdpL4,
                ecn: false,
                size: 1000,
                headers: inner + 8,
                tunnel: Some(tunnel),
            }),
        };
        let header = tx_header(&frame(tunnel, 124), &ALL).expect("a header");
        assert_eq!(header.gso_type, gso::UDP_L4 | gso::UDP_TUNNEL_IPV6);
        assert_eq!(header.flags, flag::NEEDS_CSUM | flag::UDP_TUNNEL_CSUM);
        assert_eq!((header.outer_th_offset, header.inner_nh_offset), (54, 84));
        assert_eq!(header.hdr_len, 132);
        // Headers that are not behind each other.
        assert_eq!(tx_header(&frame(tunnel, 84), &ALL), None);
        let early = TxTunnel {
            inner_network: 61,
            ..tunnel
        };
        assert_eq!(tx_header(&frame(early, 124), &ALL), None);
    }

    fn caps() -> impl Strategy<Value = TxCaps> {
        let bit = || prop::bool::weighted(0.8);
        let types = (bit(), bit(), bit(), bit());
        (bit(), types, bit(), bit(), bit()).prop_map(|(csum, types, tunnel, outer, exact)| {
            let (tso4, tso6, ecn, uso) = types;
            TxCaps {
                csum,
                tso4,
                tso6,
                ecn,
                uso,
                tunnel,
                tunnel_csum: outer && tunnel,
                exact_hdr_len: exact,
            }
        })
    }

    fn frame() -> impl Strategy<Value = TxFrame> {
        let small = || prop_oneof![9 => 0..200u32, 1 => any::<u32>()];
        let version = prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)];
        let tunnel = (version, any::<bool>(), small(), small()).prop_map(
            |(outer_version, csum, outer_transport, inner_network)| TxTunnel {
                outer_version,
                csum,
                outer_transport,
                inner_network,
            },
        );
        let kind = prop_oneof![
            Just(TxGsoKind::TcpV4),
            Just(TxGsoKind::TcpV6),
            Just(TxGsoKind::UdpL4)
        ];
        let gso = (
            kind,
            any::<bool>(),
            small(),
            small(),
            prop::option::of(tunnel),
        )
            .prop_map(|(kind, ecn, size, headers, tunnel)| TxGso {
                kind,
                ecn,
                size,
                headers,
                tunnel,
            });
        let offset = prop_oneof![Just(16), Just(6), small()];
        let csum = prop::option::weighted(0.9, (small(), offset));
        (0..70_000u32, small(), csum, prop::option::of(gso)).prop_map(|(len, linear, csum, gso)| {
            TxFrame {
                len,
                linear,
                csum,
                gso,
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// covers: NET-16 NET-17 NET-21 NET-23 NET-25 NET-27 NET-28 NET-29 NET-31 NET-33 NET-34 NET-35
        /// NET-36 NET-37 NET-38 NET-43 NET-44 NET-45 NET-46 NET-52 NET-53
        #[test]
        fn headers_keep_to_the_rules(frame in frame(), caps in caps()) {
            let Some(header) = tx_header(&frame, &caps) else {
                return Ok(());
            };
            let has = |bit| header.flags & bit != 0;
            let base = header.gso_type & !(gso::UDP_TUNNEL | gso::ECN);
            let tunnel = header.gso_type & gso::UDP_TUNNEL;
            prop_assert_eq!(header.num_buffers, 0);
            prop_assert_eq!((header.hash_value, header.hash_report), (0, 0));
            prop_assert!(caps.csum || header.flags == 0);
            prop_assert!(!has(flag::DATA_VALID | flag::RSC_INFO));
            prop_assert_eq!(has(flag::NEEDS_CSUM), frame.csum.is_some());
            match base {
                gso::NONE => prop_assert_eq!(header.gso_type, 0),
                gso::TCPV4 => prop_assert!(caps.tso4),
                gso::TCPV6 => prop_assert!(caps.tso6),
                gso::UDP_L4 => prop_assert!(caps.uso),
                other => prop_assert!(false, "type {}", other),
            }
            prop_assert_eq!(base != gso::NONE, frame.gso.is_some());
            if let Some(gso) = frame.gso {
                prop_assert!(has(flag::NEEDS_CSUM));
                prop_assert_eq!(u32::from(header.gso_size), gso.size);
                prop_assert!(gso.size != 0);
                prop_assert!(u32::from(header.hdr_len) >= gso.headers);
                if caps.exact_hdr_len {
                    prop_assert_eq!(u32::from(header.hdr_len), gso.headers);
                }
                prop_assert_eq!(header.gso_type & gso::ECN != 0, gso.ecn);
                prop_assert!(caps.ecn || !gso.ecn);
                prop_assert_eq!(tunnel != 0, gso.tunnel.is_some());
            }
            prop_assert!(tunnel != gso::UDP_TUNNEL);
            prop_assert!(caps.tunnel || tunnel == 0);
            if has(flag::UDP_TUNNEL_CSUM) {
                prop_assert!(caps.tunnel && caps.tunnel_csum && tunnel != 0);
            }
            if tunnel == 0 {
                prop_assert_eq!((header.outer_th_offset, header.inner_nh_offset), (0, 0));
            }
        }

        /// covers: NET-42
        #[test]
        fn checksum_is_in_the_frame(frame in frame()) {
            if let Some(header) = tx_header(&frame, &ALL) {
                let end = u32::from(header.csum_start) + u32::from(header.csum_offset) + 2;
                prop_assert!(frame.csum.is_none() || end <= frame.len);
            }
        }
    }
}
